// Checks the simulated Gemini and Vertex AI with @google/genai, in the ways people use it.

import { GoogleGenAI, Type } from "@google/genai";
import { SIMULATORS, check, control, equal, refused, runAll } from "./checks.mjs";

const MODEL = "gemini-3.5-flash-lite";
const httpOptions = { baseUrl: SIMULATORS.gemini };
const client = new GoogleGenAI({ apiKey: SIMULATORS.gemini_token, httpOptions });
// The client's service accounts always use Google's own token endpoint, whatever their key file says. Express mode needs none.
const vertex = new GoogleGenAI({ vertexai: true, apiKey: SIMULATORS.gemini_token, httpOptions });
const asked = { model: MODEL, contents: "Hello" };

check("a text is generated, on Vertex AI too, with its usage", async () => {
  for (const each of [client, vertex]) {
    const { text, usageMetadata: usage } = await each.models.generateContent(asked);
    equal([text.length > 0, usage.totalTokenCount], [true, usage.promptTokenCount + usage.candidatesTokenCount]);
  }
});

check("a stream is the same text in pieces, and its last piece tells how it ended", async () => {
  const { text } = await client.models.generateContent(asked);
  const pieces = [];
  for await (const piece of await client.models.generateContentStream(asked)) pieces.push(piece);
  equal(pieces.map((piece) => piece.text).join(""), text);
  equal([pieces.length > 1, pieces.at(-1).candidates[0].finishReason], [true, "STOP"]);
});

check("tokens are counted as they are billed", async () => {
  const { totalTokens } = await client.models.countTokens(asked);
  equal(totalTokens, (await client.models.generateContent(asked)).usageMetadata.promptTokenCount);
});

check("an answer follows a schema of Google's kind and a JSON schema", async () => {
  const responseMimeType = "application/json";
  const items = { type: Type.STRING };
  const properties = {
    score: { type: Type.INTEGER, minimum: 1, maximum: 5 },
    tags: { type: Type.ARRAY, minItems: "2", maxItems: "2", items },
  };
  const responseSchema = { type: Type.OBJECT, properties, required: ["score"], propertyOrdering: ["score", "tags"] };
  const one = await client.models.generateContent({ ...asked, config: { responseMimeType, responseSchema } });
  const { score, tags } = JSON.parse(one.text);
  equal([score >= 1 && score <= 5, tags.length], [true, 2]);
  const responseJsonSchema = { type: "object", properties: { a: { type: "string", minLength: 3 } }, required: ["a"] };
  const two = await client.models.generateContent({ ...asked, config: { responseMimeType, responseJsonSchema } });
  equal(JSON.parse(two.text).a.length >= 3, true);
});

check("a chat remembers, and models are listed and described", async () => {
  const chat = client.chats.create({ model: MODEL });
  await chat.sendMessage({ message: "One." });
  await chat.sendMessage({ message: "Two." });
  equal(chat.getHistory().length, 4);
  const names = [];
  for await (const model of await client.models.list()) names.push(model.name);
  equal(names.includes(`models/${MODEL}`), true);
  equal((await client.models.get({ model: MODEL })).outputTokenLimit, 65536);
});

check("an error is Google's own, also for what is not offered", async () => {
  const stranger = new GoogleGenAI({ apiKey: "wrong", httpOptions });
  const unknown = { model: "gemini-none", contents: "Hello" };
  for (const [call, status, word] of [
    [() => stranger.models.generateContent(asked), 400, "INVALID_ARGUMENT"],
    [() => client.models.generateContent(unknown), 404, "NOT_FOUND"],
    [() => client.models.generateContentStream(unknown), 404, "NOT_FOUND"],
    [() => client.models.embedContent(asked), 404, "NOT_FOUND"],
    [() => client.caches.create({ model: MODEL, config: { contents: "x" } }), 404, "NOT_FOUND"],
  ]) {
    const error = await refused(call);
    equal([error.status, error.message.includes(word)], [status, true]);
  }
  await control("gemini", "/_sim/credit", false);
  const error = await refused(() => client.models.generateContent(asked));
  await control("gemini", "/_sim/credit", true);
  equal(error.status, 402);
});

await runAll();
