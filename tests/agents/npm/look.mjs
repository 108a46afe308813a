// Looks at a server with a client of npm, and prints what it saw as one JSON object.
//
//   node look.mjs <folder with node_modules> <sdk | client> <URL of /mcp>
//
// `sdk` is the older library, which knows revisions with sessions alone; `client` the newer one.

import { createRequire } from "node:module";
import { join } from "node:path";

const [modules, which, url] = process.argv.slice(2);
const require = createRequire(join(modules, "package.json"));

function load() {
  if (which === "client") {
    const found = require("@modelcontextprotocol/client");
    return [found.Client, found.StreamableHTTPClientTransport];
  }
  const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
  const http = require("@modelcontextprotocol/sdk/client/streamableHttp.js");
  return [Client, http.StreamableHTTPClientTransport];
}

const [Client, Transport] = load();
const asked = [];
const capabilities = { elicitation: { form: {} } };
const client = new Client(
  { name: "npm", version: "1" },
  { versionNegotiation: { mode: "auto" }, capabilities },
);
if (which === "client") {
  client.setRequestHandler("elicitation/create", async (request) => {
    asked.push(request.params.message);
    return { action: "accept", content: { apply: true } };
  });
}
const transport = new Transport(new URL(url));
await client.connect(transport);
const seen = { revision: transport.protocolVersion, server: client.getServerVersion().name };
seen.tools = (await client.listTools()).tools.map((each) => each.name);
seen.resources = (await client.listResources()).resources.map((each) => each.uri);
seen.prompts = (await client.listPrompts()).prompts.map((each) => each.name);
const call = async (name, args) => client.callTool({ name, arguments: args });
const q = "MATCH (f:Floor) RETURN f.`$dtId` AS id ORDER BY id LIMIT 2";
const first = JSON.parse((await call("query", { q, limit: 1 })).content[0].text);
const second = JSON.parse((await call("query", { q, limit: 1, cursor: first.cursor })).content[0].text);
seen.rows = [...first.rows, ...second.rows];
// The library checks a value against the schema of the tool.
seen.explained = (await call("explain_query", { q })).structuredContent;
const operations = [{ op: "delete", kind: "twin", id: "spare" }];
const made = (await call("propose_change", { operations, reason: "npm" })).structuredContent;
const applied = await call("apply_change", { token: made.token });
seen.applied = applied.isError ? JSON.parse(applied.content[0].text).code : applied.structuredContent;
seen.asked = asked;
await client.close();
console.log(JSON.stringify(seen));
