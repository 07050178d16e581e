// Compiles dist/esm and dist/cjs, each with its types; without `package` also the tests, the conformance driver and the
// examples, into build/.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const tsc = fileURLToPath(new URL("./node_modules/typescript/bin/tsc", import.meta.url));

function compile(project) {
  const done = spawnSync(process.execPath, [tsc, "-p", project], { cwd: here, stdio: "inherit" });
  if (done.status !== 0) {
    process.exit(done.status ?? 1);
  }
}

rmSync(`${here}dist`, { recursive: true, force: true });
for (const [kind, type] of [
  ["esm", "module"],
  ["cjs", "commonjs"],
]) {
  compile(`tsconfig.${kind}.json`);
  mkdirSync(`${here}dist/${kind}`, { recursive: true });
  writeFileSync(`${here}dist/${kind}/package.json`, `${JSON.stringify({ type })}\n`);
}
if (!process.argv.includes("package")) {
  rmSync(`${here}build`, { recursive: true, force: true });
  compile("tsconfig.programs.json");
}
