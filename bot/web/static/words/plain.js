// The words of the list of talks, sign-in, the way to join, and errors.
import { addWords } from "../i18n.js";

addWords({
  "sessions.title": ["讲座", "Talks"],
  "sessions.empty": ["还没有讲座。", "There are no talks yet."],
  "sessions.live": ["进行中", "Running"],
  "sessions.coming": ["即将开始", "Coming"],
  "sessions.over": ["已结束的讲座", "Talks that are over"],
  "sessions.alone": ["不属于系列", "Of no series"],
  "sessions.new": ["新讲座", "New talk"],
  "sessions.ended": ["已结束", "Ended"],
  "signin.title": ["主持人登录", "Moderator sign-in"],
  "signin.confirm": ["点击按钮，在这台设备上登录。链接只能使用一次。", "Press the button to sign in on this device. The link works once."],
  "signin.button": ["登录", "Sign in"],
  "signin.how": ["登录需要一次性链接。", "You need a one-time link to sign in."],
  "signin.how.more": ["启动时程序会显示一个链接；组织者也可以在服务器上运行下面的命令得到新的链接：", "The program shows one when it starts; the organiser gets another with this command on the server:"],
  "join.how": ["用手机扫码提问，或打开：", "Scan with your phone to ask, or open:"],
  "join.qr": ["入场二维码", "QR code to join"],
  "join.captions": ["直播字幕", "Captions for the stream"],
  "join.print": ["打印海报", "Print the poster"],
  "error.title": ["出了点问题", "Something went wrong"],
  "error.home": ["回到首页", "To the start page"],
  "error.404": ["这里没有这个页面。请检查地址。", "There is no such page. Check the address."],
  "error.403": ["你没有权限打开这个页面。请用主持人链接登录。", "You may not open this page. Sign in with a moderator link."],
});
