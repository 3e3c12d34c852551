// node parse.cjs ENVIRONMENT: reads [[language, text], …] as JSON from standard input, and writes for each what its
// grammar does not understand: the pieces of text where it had to guess, each with the place of its first character.
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

const installed = createRequire(process.argv[2] + "/");
const parsers = {
  logql: installed("@grafana/lezer-logql").parser,
  promql: installed("@prometheus-io/lezer-promql").parser,
};

const faults = (language, text) => {
  const found = [];
  parsers[language].parse(text).iterate({
    enter(node) {
      if (node.type.isError) found.push(`${node.from}: ${text.slice(node.from, node.to)}`);
    },
  });
  return found;
};

const asked = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(asked.map(([language, text]) => faults(language, text))));
