// The words of the stage and the overlay.
import { addWords } from "../i18n.js";

addWords({
  "stage.now": ["正在回答", "Now answering"],
  "overlay.answered": ["观众提问 · 已回答", "From the audience, answered"],
  "stage.next": ["接下来", "Up next"],
  "stage.top": ["大家最想知道", "Most wanted"],
  "stage.welcome": ["有问题？现在就问。", "Questions? Ask now."],
  "stage.welcome.how": ["用手机扫码，或者在聊天里直接提问。", "Scan with your phone, or ask in the chat."],
  "stage.ask": ["扫码提问", "Scan to ask"],
  "stage.full": ["全屏", "Full screen"],
  "stage.done": ["已答，下一个", "Answered, next"],
  "stage.empty.next": ["还没有人排队", "Nobody is waiting"],
});
