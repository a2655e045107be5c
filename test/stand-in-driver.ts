/** Stands in for spark-submit in tests of the supervisor: `node stand-in-driver.ts BEHAVIOUR`. See `Behaviour` in backend.contract.ts. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";

const say = (line: string) => process.stdout.write(`${line}\n`);
say("started");
say(`pid ${process.pid}`);

switch (process.argv[2] ?? "succeeds") {
  case "fails":
    say("last words");
    process.exitCode = 3;
    break;
  case "dies":
    process.kill(process.pid, "SIGKILL");
    break;
  case "stays":
    // Not in our group, not in our session, deaf to SIGTERM: as ranks of torchrun may be.
    spawn(
      process.execPath,
      ["-e", "process.on('SIGTERM', () => {}); console.log('pid ' + process.pid); setInterval(() => {}, 1000)"],
      {
        detached: true,
        stdio: "inherit",
      },
    );
    break;
  case "leaves-helper":
    spawn(process.execPath, ["-e", "console.log('pid ' + process.pid); setInterval(() => {}, 1000)"], {
      detached: true,
      stdio: "inherit",
    }).unref();
    setTimeout(() => undefined, 300);
    break;
  case "waits": {
    // Ends when the test says so.
    const poll = setInterval(() => {
      if (!existsSync("go")) return;
      clearInterval(poll);
      process.exitCode = 3;
    }, 20);
    break;
  }
  case "shows-environment":
    say(JSON.stringify(process.env));
    break;
}
