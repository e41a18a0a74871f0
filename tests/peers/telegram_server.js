// Starts telegram-test-api on the port given as the first argument, and says when it listens.
const { TelegramServer } = require("telegram-test-api/lib/telegramServer");

const server = new TelegramServer({ host: "127.0.0.1", port: Number(process.argv[2]) });
server.start().then(() => console.log("listening"));
