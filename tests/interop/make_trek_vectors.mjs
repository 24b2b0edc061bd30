// Make trek.json: `node make_trek_vectors.mjs > vectors/trek.json`.
// TREK is an application, not a package of a registry, so the layout is written here a second time,
// independently of the reader: AES-256-GCM of node:crypto, key = SHA-256 of "<key>:api_keys:v1" or
// "<key>:mfa:v1", base64 of IV(12) || TAG(16) || CIPHERTEXT, and "enc:v1:" in front of API keys only.
import { createCipheriv, createHash, randomBytes } from "node:crypto";

const KEYS = { old: "00112233".repeat(8), new: "a key text with ümlaut, taken as it stands" };
const TEXTS = ["", "plain", "JBSWY3DPEHPK3PXP", "Grüße, 世界, 🔑 ñ ".repeat(12), "enc:v1:not one", "e2:x\n\u0000"];

function sealed(keyText, suffix, text) {
  const key = createHash("sha256").update(keyText + suffix, "utf8").digest();
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString("base64");
}

function cases(keys, format) {
  const [suffix, prefix] = format === "trek" ? [":api_keys:v1", "enc:v1:"] : [":mfa:v1", ""];
  return TEXTS.map((text) => ({
    keys, format, field: "TextField", given: text, read: text, stored: prefix + sealed(KEYS[keys], suffix, text),
  }));
}

const made = {
  package: "trek",
  version: "layout of 3.0.15 and 3.4.1",
  origin: "made by make_trek_vectors.mjs: no registry holds TREK, so this is not its own output",
  node: process.version,
  keys: Object.fromEntries(Object.entries(KEYS).map(([name, text]) => [name, { TREK_ENCRYPTION_KEY: text }])),
  cases: Object.keys(KEYS).flatMap((keys) => [...cases(keys, "trek"), ...cases(keys, "trek_mfa")]),
};
process.stdout.write(JSON.stringify(made, null, 1) + "\n");
