// Uses the AWS SDK for JavaScript for scripts/sdk-check: a request a line on standard input, its answer a line on standard
// output.

import { createInterface } from "node:readline";
import { Readable } from "node:stream";

const settings = JSON.parse(process.argv[2]);

// Packages whose name is not that of boto3.
const PACKAGES = {
  apigateway: "api-gateway",
  "application-autoscaling": "application-auto-scaling",
  elbv2: "elastic-load-balancing-v2",
  logs: "cloudwatch-logs",
  secretsmanager: "secrets-manager",
};

const services = {};

async function service(name) {
  if (!services[name]) {
    const sdk = await import(`@aws-sdk/client-${PACKAGES[name] ?? name}`);
    const Client = sdk[Object.keys(sdk).find((key) => key.endsWith("Client") && key !== "__Client")];
    const client = new Client({
      endpoint: settings.url,
      region: settings.region,
      credentials: { accessKeyId: "any", secretAccessKey: "any" },
      maxAttempts: 1,
      ...(name === "s3" ? { forcePathStyle: true } : {}),
    });
    services[name] = { sdk, client };
  }
  return services[name];
}

/** An input with its blobs and streams. */
function decoded(value) {
  if (Array.isArray(value)) return value.map(decoded);
  if (value === null || typeof value !== "object") return value;
  if ("$stream" in value) return Readable.from([Buffer.from(value.$stream)]);
  if ("$blob" in value) return Buffer.from(value.$blob, "base64");
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decoded(item)]));
}

/** What JSON has no word for. */
async function plain(value) {
  if (value instanceof Date) return (value.getTime() / 1000).toFixed(3);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value?.transformToString === "function") return value.transformToString();
  if (Array.isArray(value)) return Promise.all(value.map(plain));
  // Some texts are objects that parse themselves as JSON.
  if (value instanceof String) return value.toString();
  if (value === null || typeof value !== "object") return value;
  const parts = await Promise.all(
    Object.entries(value)
      .filter(([key]) => key !== "$metadata")
      .map(async ([key, item]) => [key, await plain(item)]),
  );
  return Object.fromEntries(parts);
}

async function answer({ how, service: name, what, input, size, delay }) {
  const { sdk, client } = await service(name);
  if (how === "wait") {
    await sdk[`waitUntil${what}`]({ client, minDelay: delay, maxDelay: delay, maxWaitTime: 300 }, input);
    return {};
  }
  if (how === "pages") {
    const paginate = sdk[`paginate${what}`];
    if (!paginate) throw Object.assign(new Error("no such paginator"), { name: "LookupError" });
    const pages = [];
    for await (const page of paginate({ client, ...(size ? { pageSize: size } : {}) }, input)) pages.push(page);
    return { pages };
  }
  return client.send(new sdk[`${what}Command`](input));
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let done;
  try {
    done = { answer: await plain(await answer({ ...request, input: decoded(request.input) })) };
  } catch (error) {
    done = { error: error.name, message: String(error.message ?? error) };
  }
  console.log(JSON.stringify(done));
}
