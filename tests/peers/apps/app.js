// Node's server: records each request it is told of and answers with its target.
// Under `/early` it answers without having read the body.
const fs = require("fs");
const http = require("http");

const server = http.createServer((asked, answer) => {
  fs.appendFileSync(process.env.SEEN, `${asked.method} ${asked.url}\n`);
  const end = () => answer.end(asked.url);
  if (asked.url.startsWith("/early")) return end();
  asked.on("data", () => {});
  asked.on("end", end);
});
server.listen(Number(process.argv[2]), "127.0.0.1");
