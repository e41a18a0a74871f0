// What viewers read of a survey: on the questionnaire, and on the card that leads to it.
import { addWords } from "../i18n.js";

addWords({
  "survey.card": ["讲座怎么样？告诉我们", "How was the talk? Tell us"],
  "survey.card.how": ["{n} 个问题，一分钟，匿名。", "{n} question, one minute, anonymous.|{n} questions, one minute, anonymous."],
  "survey.card.some": ["已回答 {n} / {all} 题。", "{n} of {all} answered."],
  "survey.card.all": ["都记下了，谢谢！", "All noted, thank you!"],
  "survey.card.go": ["开始填写", "Begin"],
  "survey.card.on": ["继续填写", "Go on"],
  "survey.card.change": ["修改我的回答", "Change my answers"],
  "survey.back": ["回到讲座页", "Back to the talk"],
  "survey.how": ["匿名。选了就保存，{time} 之前都可以修改。", "Anonymous. Each answer is saved at once; you can change it until {time}."],
  "survey.item": ["第 {n} 题，共 {all} 题", "Question {n} of {all}"],
  "survey.saved": ["已保存", "Saved"],
  "survey.saving": ["正在保存", "Saving"],
  "survey.waiting": ["没有网络，已存在这台设备上，恢复后自动送出", "No connection: kept on this device, sent when it is back"],
  "survey.kept.not": ["没有网络，请先不要关闭页面", "No connection: please keep this page open"],
  "survey.progress": ["已回答 {n} / {all} 题", "{n} of {all} answered"],
  "survey.thanks": ["都记下了，谢谢您！", "All noted, thank you!"],
  "survey.thanks.more": ["结束之前可以随时回来修改。", "You can come back and change it until it closes."],
  "survey.long": ["最多 {most} 个字符，现在有 {n} 个。请缩短，之后会自动保存。", "At most {most} characters; this has {n}. Make it shorter, then it is saved."],
  "survey.clear": ["清除", "Clear"],
  "survey.clear.of": ["清除回答：{title}", "Clear the answer: {title}"],
  "survey.none": ["现在没有问卷。", "There is no survey just now."],
  "survey.none.more": ["讲座结束以后再来看看。", "Come back after the talk."],
  "survey.over": ["问卷已经结束，谢谢参加！", "The survey is closed. Thank you for taking part!"],
  "survey.over.late": ["最后的改动来晚了，没有计入。", "The last change came too late and does not count."],
});
