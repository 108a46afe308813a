// Exercises every method of @azure/digital-twins-core 1.1.0 that Kastor serves and prints one
// JSON object per check: {"check": name, "ok": true} or {"check": name, "ok": false, "detail": text}.
//
//   node checks.mjs <folder with node_modules> <server URL>

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

const [modules, url] = process.argv.slice(2);
const require = createRequire(join(modules, "package.json"));
const { DigitalTwinsClient } = require("@azure/digital-twins-core");
const { isTokenCredential } = require("@azure/core-auth");

const credential = {
  getToken: async () => ({ token: "kastor", expiresOnTimestamp: Date.now() + 3_600_000 }),
};

function connect() {
  const client = new DigitalTwinsClient(url, credential);
  if (url.startsWith("http:")) {
    // The one line that lets version 1.1.0 speak plain http: take its bearer token policy away.
    client.client._requestPolicyFactories.splice(-2, 1);
  }
  return client;
}

const client = connect();

const PART = "dtmi:js:Part;1";
const ROOM = "dtmi:js:Room;1";
const STALE = 'W/"5f0c2b64-0000-4000-8000-000000000000"';
const partModel = {
  "@context": "dtmi:dtdl:context;2",
  "@id": PART,
  "@type": "Interface",
  displayName: "Part",
  contents: [{ "@type": "Property", name: "Serial", schema: "string" }],
};
const roomModel = {
  "@context": "dtmi:dtdl:context;2",
  "@id": ROOM,
  "@type": "Interface",
  displayName: "Room",
  contents: [
    { "@type": "Property", name: "Temperature", schema: "double" },
    { "@type": "Component", name: "Thermostat", schema: PART },
    {
      "@type": "Relationship",
      name: "near",
      properties: [{ "@type": "Property", name: "distance", schema: "integer" }],
    },
  ],
};

const room = (properties = {}) =>
  JSON.stringify({ $metadata: { $model: ROOM }, Thermostat: { $metadata: {} }, ...properties });
const near = (target, properties = {}) => ({
  $relationshipName: "near",
  $targetId: target,
  ...properties,
});
const replace = (path, value) => [{ op: "replace", path, value }];

async function all(items) {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}

// The call fails with this status and a message that holds (or, with `equal`, is) the text.
async function refused(call, status, text, equal = false) {
  let failure;
  try {
    await call();
  } catch (error) {
    failure = error;
  }
  assert.ok(failure, "the call was not refused");
  assert.equal(failure.statusCode, status, failure.message);
  if (equal) assert.equal(failure.message, text);
  else assert.ok(failure.message.includes(text), failure.message);
}

const checks = {
  async credential_is_a_token_credential() {
    assert.ok(isTokenCredential(credential));
  },

  async bearer_tokens_stay_off_plain_http() {
    const plain = new DigitalTwinsClient("http://127.0.0.1:9", credential);
    await assert.rejects(() => plain.getDigitalTwin("a"), /not permitted for non-TLS/);
    if (url.startsWith("http:")) {
      const removed = plain.client._requestPolicyFactories.at(-2).create({}, {});
      assert.equal(removed.constructor.name, "BearerTokenAuthenticationPolicy");
    }
  },

  async createModels() {
    const created = await client.createModels([roomModel, partModel]);
    assert.deepEqual([created[0].id, created[1].id], [ROOM, PART]);
    await refused(() => client.createModels([partModel]), 409, "Some of the model ids already exist");
    await refused(
      () => client.createModels([{}]),
      400,
      "None of the models in this request could be created due to a problem with one or more models",
    );
  },

  async getModel() {
    const bare = await client.getModel(ROOM);
    assert.equal(bare.id, ROOM);
    assert.equal(bare.model, undefined);
    assert.equal(bare.decommissioned, false);
    assert.deepEqual((await client.getModel(ROOM, true)).model, roomModel);
    await refused(
      () => client.getModel("dtmi:js:nosuch;1"),
      404,
      "There is no Model(s) available that matches the provided id(s)",
    );
  },

  async listModels() {
    assert.deepEqual((await all(client.listModels())).map((model) => model.id), [ROOM, PART]);
    const needed = await all(client.listModels([ROOM, PART], true));
    assert.deepEqual(needed.map((model) => model.id).sort(), [PART, ROOM]);
    assert.ok(needed.every((model) => model.model));
    const pages = await all(client.listModels().byPage({ maxPageSize: 1 }));
    assert.deepEqual(pages.map((page) => page.value.length), [1, 1]);
  },

  async upsertDigitalTwin() {
    const created = await client.upsertDigitalTwin("a", room({ Temperature: 20 }));
    assert.equal(created.body.$dtId, "a");
    assert.equal(created.body.Temperature, 20);
    assert.equal(created.etag, created.body.$etag);
    const again = await client.upsertDigitalTwin("a", JSON.stringify(created.body));
    assert.notEqual(again.etag, created.etag);
    await client.upsertDigitalTwin("b", room(), { ifNoneMatch: "*" });
    await refused(
      () => client.upsertDigitalTwin("a", room(), { ifNoneMatch: "*" }),
      412,
      "If-None-Match: * header was specified but a twin with the id a was found. " +
        "Please specify a different twin id.",
      true,
    );
    await refused(
      () => client.upsertDigitalTwin("a", room(), { ifNoneMatch: "XXX" }),
      400,
      "Invalid If-None-Match header value. Allowed value(s): If-None-Match: *",
      true,
    );
    await refused(() => client.upsertDigitalTwin("a", room({ foo: 1 })), 400, "Invalid twin specified");
  },

  async getDigitalTwin() {
    const twin = await client.getDigitalTwin("a");
    assert.equal(twin.body.$dtId, "a");
    assert.equal(twin.etag, twin.body.$etag);
    await refused(
      () => client.getDigitalTwin("nosuch"),
      404,
      "There is no digital twin instance that exists with the ID nosuch",
    );
  },

  async updateDigitalTwin() {
    const before = await client.getDigitalTwin("a");
    const updated = await client.updateDigitalTwin("a", replace("/Temperature", 42), {
      ifMatch: before.etag,
    });
    const after = await client.getDigitalTwin("a");
    assert.equal(after.body.Temperature, 42);
    assert.equal(updated.etag, after.etag);
    const stale = { ifMatch: STALE };
    await refused(() => client.updateDigitalTwin("a", replace("/Temperature", 1), stale), 412, "");
    await refused(() => client.updateDigitalTwin("a", [{ op: "move", path: "/x" }]), 400, "");
  },

  async updateComponent_and_getComponent() {
    const add = [{ op: "add", path: "/Serial", value: "x" }];
    await client.updateComponent("a", "Thermostat", add);
    const component = await client.getComponent("a", "Thermostat");
    assert.equal(component.body.Serial, "x");
    assert.equal(component.etag, (await client.getDigitalTwin("a")).etag);
    await refused(
      () => client.getComponent("a", "nosuch"),
      404,
      "a does not have component nosuch",
    );
    await refused(() => client.updateComponent("a", "nosuch", add), 400, "");
  },

  async upsertRelationship_and_getRelationship() {
    const made = await client.upsertRelationship("a", "r 1", near("b", { distance: 5 }));
    assert.equal(made.body.$relationshipId, "r 1");
    const read = await client.getRelationship("a", "r 1");
    assert.deepEqual(read.body, made.body);
    assert.equal(read.etag, made.etag);
    await refused(
      () => client.getRelationship("a", "nosuch"),
      404,
      "Relationship nosuch not found on twin a",
    );
    await refused(
      () => client.upsertRelationship("a", "r 1", near("b"), { ifNoneMatch: "*" }),
      412,
      "header was specified but a relationship with the id",
    );
    await refused(
      () => client.upsertRelationship("a", "r", near("nosuch")),
      404,
      "The target digital twin is invalid or does not exist",
    );
  },

  async updateRelationship_and_deleteRelationship() {
    await client.updateRelationship("a", "r 1", replace("/distance", 6));
    const read = await client.getRelationship("a", "r 1");
    assert.equal(read.body.distance, 6);
    await refused(() => client.updateRelationship("a", "r 1", [], { ifMatch: STALE }), 412, "");
    await refused(() => client.deleteRelationship("a", "r 1", { ifMatch: STALE }), 412, "");
    await client.deleteRelationship("a", "r 1", { ifMatch: read.etag });
    await refused(() => client.deleteRelationship("a", "r 1"), 404, "not found on twin a");
  },

  async listRelationships_and_listIncomingRelationships() {
    const names = Array.from({ length: 25 }, (_, number) => `r ${number + 10}+ü`);
    for (const name of names) await client.upsertRelationship("a", name, near("b"));
    const listed = await all(client.listRelationships("a"));
    assert.deepEqual(listed.map((item) => item.$relationshipId).sort(), names);
    const pages = await all(client.listRelationships("a").byPage());
    assert.deepEqual(pages.map((page) => page.value.length), [10, 10, 5]);
    const incoming = await all(client.listIncomingRelationships("b"));
    assert.deepEqual(incoming.map((item) => item.relationshipId).sort(), names);
    assert.ok(incoming.every((item) => item.relationshipLink.startsWith(url)));
    await refused(() => client.deleteDigitalTwin("b"), 400, "has active relationships");
    for (const name of names) await client.deleteRelationship("a", name);
  },

  async publishTelemetry() {
    const before = await client.getDigitalTwin("a");
    await client.publishTelemetry("a", { Temperature: 1 });
    await client.publishTelemetry("a", { Temperature: 1 }, "message-1");
    assert.deepEqual((await client.getDigitalTwin("a")).body, before.body);
    await refused(() => client.publishTelemetry("nosuch", {}), 404, "nosuch");
  },

  async publishComponentTelemetry() {
    // This version swaps the payload and the message id; the server takes any JSON value.
    await client.publishComponentTelemetry("a", "Thermostat", "payload", "message-2");
    await refused(
      () => client.publishComponentTelemetry("a", "nosuch", "payload", "message-3"),
      404,
      "does not have component nosuch",
    );
  },

  async queryTwins() {
    for (let number = 0; number < 10; number++) {
      await client.upsertDigitalTwin(`q${number}`, room({ Temperature: number }));
    }
    const plain = "SELECT * FROM digitaltwins";
    const rows = await all(client.queryTwins(plain));
    assert.equal(rows.length, 12);
    const pages = await all(client.queryTwins(plain, 5).byPage());
    assert.deepEqual(pages.map((page) => page.value.length), [5, 5, 2]);
    const some = await all(client.queryTwins(`${plain} T WHERE T.Temperature < 3`, 2));
    assert.deepEqual(some.map((row) => row.$dtId).sort(), ["q0", "q1", "q2"]);
    await refused(() => all(client.queryTwins("foo")), 400, "Line=1, Position=0");
  },

  async deleteDigitalTwin() {
    const twin = await client.getDigitalTwin("a");
    await refused(
      () => client.deleteDigitalTwin("a", { ifMatch: "XXX" }),
      400,
      "Invalid If-Match header value. Allowed value(s): If-Match: {etag} or If-Match: *",
      true,
    );
    await refused(() => client.deleteDigitalTwin("a", { ifMatch: STALE }), 412, "");
    await client.deleteDigitalTwin("a", { ifMatch: twin.etag });
    await client.deleteDigitalTwin("b", { ifMatch: "*" });
    await refused(() => client.deleteDigitalTwin("a"), 404, "There is no digital twin instance");
  },

  async decomissionModel() {
    await client.decomissionModel(ROOM);
    assert.equal((await client.getModel(ROOM)).decommissioned, true);
    await client.decomissionModel(ROOM);
  },

  async deleteModel() {
    await refused(() => client.deleteModel(PART), 409, "This model is currently being referenced by");
    await client.deleteModel(ROOM);
    await client.deleteModel(PART);
    assert.deepEqual(await all(client.listModels()), []);
  },
};

for (const [check, run] of Object.entries(checks)) {
  try {
    await run();
    console.log(JSON.stringify({ check, ok: true }));
  } catch (error) {
    console.log(JSON.stringify({ check, ok: false, detail: String(error.stack ?? error) }));
  }
}
process.exit(); // the SDK keeps its connections open
