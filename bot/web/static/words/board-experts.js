// The words of asking the experts from the board.
import { addWords } from "../i18n.js";

addWords({
  "experts.page": ["专家回答", "Experts' answers"],
  "experts.ask": ["请专家回答", "Ask the experts"],
  "experts.how": ["专家在手机上按需求顺序回答还没答完的问题。", "Experts answer what is open on their phone, in the order of demand."],
  "experts.name": ["给谁？（可不填）", "For whom? (optional)"],
  "experts.make": ["生成专家链接", "Make a link for an expert"],
  "experts.link": ["专家的一次性链接", "One-use link for an expert"],
  "experts.qr": ["专家链接的二维码", "The expert's link as a QR code"],
  "experts.link.for": ["给 {name}：{note}", "For {name}: {note}"],
  "experts.link.note": ["只能用一次，到 {time} 有效；之后 30 天可以在这场讲座里回答。", "Works once, until {time}; then for 30 days, in this talk."],
  "experts.copy": ["复制链接", "Copy the link"],
  "experts.copied": ["链接已复制", "Link copied"],
  "experts.call": ["在工作群里请专家", "Ask in the staff's chat"],
  "experts.called": ["已发到工作群", "Said in the staff's chat"],
  "experts.called.none": ["这场讲座没有工作群。请用链接邀请。", "This talk has no staff's chat. Use a link instead."],
  "experts.drafting": ["{names} 有草稿", "{names}: a draft"],
  "experts.declined": ["{names} 说不归自己回答", "{names}: not for them"],
  "experts.declined.badge": ["{n} 位专家已跳过", "{n} expert passed|{n} experts passed"],
});
