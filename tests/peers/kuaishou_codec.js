// The frames of Kuaishou's web feed by protobufjs. Reads one JSON from stdin, {feeds: [{push, at, gzip}], frames: [hex]},
// and writes one: {feeds: [hex], frames: [{message, payload}]}.
const { gunzipSync, gzipSync } = require("node:zlib");
const { readFileSync } = require("node:fs");
const protobuf = require("protobufjs");

const { root } = protobuf.parse(`syntax = "proto3";
message SocketMessage { uint32 payloadType = 1; uint32 compressionType = 2; bytes payload = 3; uint64 timestamp = 4; }
message CSWebEnterRoom { string token = 1; string liveStreamId = 2; string pageId = 7; }
message CSWebHeartbeat { uint64 timestamp = 1; }
message SCWebEnterRoomAck { uint64 minReconnectMs = 1; uint64 maxReconnectMs = 2; uint64 heartbeatIntervalMs = 3; }
message SCWebError { uint32 code = 1; string msg = 2; }
message SimpleUserInfo { string principalId = 1; string userName = 2; string headUrl = 3; }
message WebCommentFeed {
  string id = 1; SimpleUserInfo user = 2; string content = 3; string deviceHash = 4; uint64 sortRank = 5;
  string color = 6; uint32 showType = 7; uint64 time = 9;
}
message SCWebFeedPush {
  string displayWatchingCount = 1; string displayLikeCount = 2; uint64 pendingLikeCount = 3; uint64 pushInterval = 4;
  repeated WebCommentFeed commentFeeds = 5; string commentCursor = 6;
}`);
const TYPES = { 1: "CSWebHeartbeat", 103: "SCWebError", 200: "CSWebEnterRoom", 300: "SCWebEnterRoomAck", 310: "SCWebFeedPush" };
const Message = root.lookupType("SocketMessage");
const plain = (type, message) => type.toObject(message, { longs: String, bytes: String });

function written({ push, at, gzip }) {
  const type = root.lookupType("SCWebFeedPush");
  const raw = Buffer.from(type.encode(type.fromObject(push)).finish());
  const payload = gzip ? gzipSync(raw) : raw;
  const frame = { payloadType: 310, compressionType: gzip ? 2 : 1, payload, timestamp: at };
  return Buffer.from(Message.encode(Message.fromObject(frame)).finish()).toString("hex");
}

function read(hex) {
  const message = Message.decode(Buffer.from(hex, "hex"));
  const payload = message.compressionType === 2 ? gunzipSync(message.payload) : message.payload;
  const type = root.lookupType(TYPES[message.payloadType]);
  return { type: message.payloadType, at: String(message.timestamp), payload: plain(type, type.decode(payload)) };
}

const asked = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify({ feeds: asked.feeds.map(written), frames: asked.frames.map(read) }));
