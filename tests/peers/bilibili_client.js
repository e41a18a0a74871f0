// Listens with bilibili-live-ws at the address and with the auth body given as arguments; a line of JSON for each event.
const { LiveWS } = require("bilibili-live-ws");

const [address, authBody] = process.argv.slice(2);
const auth = JSON.parse(authBody);
const live = new LiveWS(auth.roomid, { address, authBody: auth });
const say = (event, data) => console.log(JSON.stringify({ event, data }));

live.on("live", () => say("live"));
live.on("heartbeat", (popularity) => say("heartbeat", popularity));
live.on("msg", (message) => say("msg", message));
live.on("error", () => say("error"));
live.on("close", () => {
  say("close");
  process.exit();
});
