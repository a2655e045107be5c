/** A key and a certificate for 127.0.0.1, signed by itself, for servers of tests. */
import { generateKeyPairSync, sign } from "node:crypto";

const tlv = (tag: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const long = body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255];
  const size = body.length < 128 ? [body.length] : long;
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
};
const sequence = (...parts: Buffer[]) => tlv(0x30, ...parts);
const hex = (text: string) => Buffer.from(text, "hex");
const ECDSA_SHA256 = sequence(hex("06082a8648ce3d040302"));
const COMMON_NAME = hex("0603550403");
const SUBJECT_ALT_NAME = hex("0603551d11");
const BASIC_CONSTRAINTS = hex("0603551d13");

const name = (text: string) => sequence(tlv(0x31, sequence(COMMON_NAME, tlv(0x0c, Buffer.from(text)))));
const year = (number: number) => tlv(0x18, Buffer.from(`${number}0101000000Z`));

export function selfSigned(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const extensions = sequence(
    sequence(BASIC_CONSTRAINTS, tlv(0x04, sequence(hex("0101ff")))),
    sequence(SUBJECT_ALT_NAME, tlv(0x04, sequence(tlv(0x87, Buffer.from([127, 0, 0, 1]))))),
  );
  const toSign = sequence(
    tlv(0xa0, hex("020102")),
    hex("020101"),
    ECDSA_SHA256,
    name("test"),
    sequence(year(2020), year(2100)),
    name("test"),
    publicKey.export({ type: "spki", format: "der" }),
    tlv(0xa3, extensions),
  );
  const signature = tlv(0x03, Buffer.from([0]), sign("sha256", toSign, privateKey));
  const der = sequence(toSign, ECDSA_SHA256, signature).toString("base64");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${der.match(/.{1,64}/g)?.join("\n") ?? ""}\n-----END CERTIFICATE-----\n`,
  };
}
