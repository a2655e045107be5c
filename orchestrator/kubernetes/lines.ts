/** Lines of a byte stream. */
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/**
 * Lines without their ends, each as soon as it is whole; the last one also when it lacks its end. Rejects with what breaks the stream,
 * and with the signal's reason when aborted. The stream is closed in any case, and an error it makes while nobody reads is swallowed.
 */
export async function* linesOf(body: Readable, signal: AbortSignal): AsyncGenerator<string> {
  // A stream that is broken between two reads would else end the process.
  body.on("error", () => undefined);
  const onAbort = () => body.destroy(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
  signal.addEventListener("abort", onAbort, { once: true });
  const decoder = new StringDecoder("utf8");
  let rest = "";
  try {
    signal.throwIfAborted();
    for await (const chunk of body) {
      const lines = (rest + decoder.write(chunk as Buffer)).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
    rest += decoder.end();
    if (rest !== "") yield rest;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
    body.destroy();
  }
}
