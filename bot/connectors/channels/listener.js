// ==UserScript==
// @name         Floormic: WeChat Channels listener
// @name:zh-CN   Floormic：视频号评论转发
// @namespace    floormic
// @version      1.0
// @description  Forwards the comments that your own live console receives to your Floormic.
// @description:zh-CN  把您自己的直播中控台收到的评论转发给您的 Floormic。
// @match        https://channels.weixin.qq.com/*
// @connect      *
// @grant        GM_xmlhttpRequest
// @grant        unsafeWindow
// @run-at       document-start
// ==/UserScript==

(() => {
  "use strict";

  const ADDRESS = ""; // https://your.floormic/in/channels
  const SECRET = "";

  const ASKED = /\/mmfinderassistant-bin\/live\/msg(?:[?#]|$)/;
  const MARK = Symbol.for("floormic"); // on a window that is listened to already
  const BEAT = 15000; // ms between two posts while nobody says anything
  const PATIENCE = 20000; // ms for one post
  const LONG = 100000; // characters from which on a post is packed
  const LONGEST_QUEUE = 500;
  const LONGEST_WAIT = 30000;

  // A user script with grants lives beside the page; the page's own fetch is reached through unsafeWindow.
  const page = typeof unsafeWindow === "undefined" ? window : unsafeWindow;
  const plainFetch = page.fetch.bind(page);
  const zh = navigator.language.startsWith("zh");

  // Sending: one post at a time, in order; what cannot be delivered now waits.

  // Past the page's origin, as extensions may. Resolves to the status, 0 where there was no answer.
  function postByManager(body) {
    return new Promise((resolve) => {
      GM_xmlhttpRequest({
        method: "POST",
        url: ADDRESS,
        headers: { "Content-Type": "text/plain;charset=UTF-8", "X-Floormic-Secret": SECRET },
        data: body,
        anonymous: true,
        timeout: PATIENCE,
        onload: (answer) => resolve(answer.status),
        onerror: () => resolve(0),
        ontimeout: () => resolve(0),
        onabort: () => resolve(0),
      });
    });
  }

  // Without a script manager: a simple request needs nobody's permission, but may carry no header of ours, and whether
  // it was taken cannot be seen.
  async function postByPage(body) {
    const url = `${ADDRESS}?key=${encodeURIComponent(SECRET)}`;
    const signal = AbortSignal.timeout(PATIENCE);
    try {
      await plainFetch(url, { method: "POST", mode: "no-cors", credentials: "omit", body, signal });
      return 200;
    } catch {
      return 0;
    }
  }

  const post = typeof GM_xmlhttpRequest === "function" ? postByManager : postByPage;
  const waiting = [];
  let working = false;
  let lastPost = 0;
  let delivered = 0;

  async function packed(text) {
    if (text.length < LONG) return text;
    return new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"))).blob();
  }

  function forward(item) {
    lastPost = Date.now();
    waiting.push(item);
    if (waiting.length > LONGEST_QUEUE) waiting.shift();
    if (!working) work();
  }

  async function work() {
    working = true;
    for (let failures = 0; waiting.length; ) {
      const item = waiting.shift();
      const status = await post(await packed(item.text));
      if (status === 0 || status === 429 || status >= 500) {
        failures += 1;
        waiting.unshift(item);
        sign(zh ? "连不上，正在重试" : "cannot be reached, trying again", false);
        await new Promise((resolve) => setTimeout(resolve, Math.min(LONGEST_WAIT, 500 * 2 ** failures)));
        continue;
      }
      failures = 0;
      if (status === 200) {
        delivered += item.count;
        sign(zh ? `已连接，转发了 ${delivered} 条` : `connected, ${delivered} forwarded`, true);
      } else if (status === 403) {
        sign(zh ? "密钥不对，请重新安装脚本" : "wrong secret, install the script anew", false);
      } else {
        sign(zh ? `不接受转发的内容（${status}）` : `does not take what is forwarded (${status})`, false);
      }
    }
    working = false;
  }

  // Hearing: what the console asks for is read along, never changed or asked for twice.

  const comments = (list) => (Array.isArray(list) ? list.filter((item) => Number(item?.type) === 1).length : 0);

  function countOf(answer) {
    let data = answer.data ?? {};
    if (typeof data.respJsonStr === "string") data = JSON.parse(data.respJsonStr);
    return comments(data.msgList) + comments(data.msg_list);
  }

  function liveOf(asked) {
    try {
      return String(JSON.parse(asked).liveId ?? "");
    } catch {
      return "";
    }
  }

  function heard(asked, answered) {
    try {
      const answer = JSON.parse(answered);
      const count = countOf(answer);
      if (!count && Date.now() - lastPost < BEAT) return;
      forward({ count, text: JSON.stringify({ listener: 1, live_id: liveOf(asked), answer }) });
    } catch {
      // No answer of the console, such as the page of a proxy.
    }
  }

  function hookFetch(win) {
    const original = win.fetch;
    win.fetch = function fetch(...given) {
      const answer = original.apply(this ?? win, given);
      const url = String(given[0]?.url ?? given[0]);
      if (ASKED.test(url)) {
        const asked = given[1]?.body;
        answer.then((response) => response.clone().text()).then((text) => heard(asked, text)).catch(() => {});
      }
      return answer;
    };
  }

  function hookRequests(win) {
    const { open, send } = win.XMLHttpRequest.prototype;
    const urls = new WeakMap();
    win.XMLHttpRequest.prototype.open = function (...given) {
      urls.set(this, String(given[1]));
      return open.apply(this, given);
    };
    win.XMLHttpRequest.prototype.send = function (...given) {
      if (ASKED.test(urls.get(this) ?? "")) {
        this.addEventListener("load", () => {
          const json = this.responseType === "json";
          const text = json ? JSON.stringify(this.response) : this.responseText;
          heard(given[0], text);
        });
      }
      return send.apply(this, given);
    };
  }

  // The console puts its parts into frames of its own origin, sometimes anew.
  function hookAll(win, depth = 0) {
    try {
      if (!win[MARK]) {
        win[MARK] = true;
        hookFetch(win);
        hookRequests(win);
      }
      for (let i = 0; i < win.frames.length && depth < 3; i += 1) hookAll(win.frames[i], depth + 1);
    } catch {
      // A frame of another origin.
    }
  }

  // A small sign says how it goes. In a shadow root, so that the page's styles and this one's keep apart.
  let line;
  function sign(text, good) {
    if (page !== page.top || !document.body) return;
    if (!line) {
      const place = document.createElement("div");
      place.id = "floormic-listener";
      line = document.createElement("div");
      place.attachShadow({ mode: "open" }).append(line);
      document.body.append(place);
    }
    line.style.cssText =
      "position:fixed;left:8px;bottom:8px;z-index:2147483647;padding:4px 10px;border-radius:6px;" +
      `font:13px/1.5 sans-serif;color:#fff;pointer-events:none;background:${good ? "#1b6e3c" : "#a3261b"}`;
    line.textContent = `Floormic: ${text}`;
  }

  hookAll(page);
  setInterval(() => hookAll(page), 250);
})();
