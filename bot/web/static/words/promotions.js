// The words of answers on their way into the FAQ.
import { addWords } from "../i18n.js";

addWords({
  "faq.title": ["写入 FAQ 的回答", "Answers for the FAQ"],
  "faq.none": ["没有待确认的回答。专家回答之后，可以在这里写入 {file}。", "Nothing waits. What experts answer can be written into {file} here."],
  "faq.how": ["{n} 个回答待确认。确认后写入 {file}，这场讲座马上按它回答。", "{n} answer waits. What you accept is written into {file}, and this talk answers from it at once.|{n} answers wait. What you accept is written into {file}, and this talk answers from it at once."],
  "faq.by": ["{who} 于 {time} 提交", "Proposed by {who}, {time}"],
  "faq.by.itself": ["{time} 自动列出", "Proposed by itself, {time}"],
  "faq.itself": ["自动", "by itself"],
  "faq.corrects": ["回答更正过：会替换 FAQ 里原来的那一条。", "The answer was corrected: this takes the place of the entry that stands there."],
  "faq.doubled": ["{where} 已经有同样的问题。请在那里修改回答，或者在下面改一下问题的写法。", "{where} asks this already. Mend the answer there, or word the question otherwise below."],
  "faq.diff": ["对 FAQ 的改动：{title}", "What changes in the FAQ: {title}"],
  "faq.edit": ["先改一改", "Edit it first"],
  "faq.edit.how": ["Markdown：## 问题，- 也问：其他问法，空一行后写回答。", "Markdown: ## question, - also: other wordings, then a blank line and the answer."],
  "faq.entry": ["写入的内容", "What is written"],
  "faq.accept": ["写入 FAQ", "Write it"],
  "faq.decline": ["不写入", "Leave it out"],
  "faq.undo": ["撤销", "Undo"],
  "faq.did.accept": ["已写入 FAQ，马上按它回答", "Written: it is answered from now on"],
  "faq.did.decline": ["不写入 FAQ", "Left out of the FAQ"],
  "faq.did.undo": ["已恢复为待确认", "It waits again"],
  "faq.accepted": ["{who} 于 {time} 写入", "Written, {who}, {time}"],
  "faq.changed": ["{who} 于 {time} 写入，之后在 FAQ 里被改过或删掉", "Written, {who}, {time}; changed or taken out of the FAQ since"],
  "faq.declined": ["{who} 于 {time} 决定不写入", "Left out, {who}, {time}"],
  "faq.done": ["已决定的", "Decided"],
  "faq.patch": ["下载为 .patch", "Download as .patch"],
});
