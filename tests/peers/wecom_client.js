// WeCom's own SDK for Node as a bot: it answers "stream" and "card", greets, and updates the card that is pressed.
const { WSClient } = require("@wecom/aibot-node-sdk");

const [wsUrl, botId, secret] = process.argv.slice(2);
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const client = new WSClient({ botId, secret, wsUrl, logger: quiet, maxReconnectAttempts: 0 });
const say = (...words) => console.log(JSON.stringify(words));
const card = (task_id, text) => ({
  card_type: "button_interaction",
  main_title: { title: "Card" },
  button_list: [{ text, style: 1, key: "v:q1" }],
  task_id,
});

client.on("authenticated", () => say("authenticated"));
client.on("error", (error) => say("error", error.message));
client.on("message.text", async (frame) => {
  const text = frame.body.text.content;
  say("heard", text, frame.body.from.userid, frame.body.chatid || "");
  if (text === "card") await client.replyTemplateCard(frame, card("node-1", "Press"));
  else {
    await client.replyStream(frame, "s1", `echo ${text}`, true);
    const pushed = await client.sendMessage(frame.body.from.userid, { msgtype: "markdown", markdown: { content: "pushed" } });
    say("pushed", pushed.errcode);
  }
});
client.on("event.enter_chat", (frame) => client.replyWelcome(frame, { msgtype: "text", text: { content: "welcome" } }));
client.on("event.template_card_event", (frame) => client.updateTemplateCard(frame, card("node-1", "Pressed")));
client.on("event.disconnected_event", () => say("thrown out"));
client.connect();
