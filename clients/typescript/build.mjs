// Compiles dist/esm and dist/cjs, each with its types, and into build/ the tests, the conformance driver and the examples.
//
//     node build.mjs            all of it
//     node build.mjs package    dist/ alone
//     node build.mjs stale      all of it where sources have changed since, after `npm ci` where the lock has
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const [what = "all"] = process.argv.slice(2);
const built = join(here, "build", ".built");
const installed = join(here, "node_modules", ".installed");

function run(command, ...words) {
  const done = spawnSync(command, words, { cwd: here, stdio: ["ignore", 2, 2] });
  if (done.status !== 0) {
    process.exit(done.status ?? 1);
  }
}

function compile(project) {
  run(process.execPath, join(here, "node_modules", "typescript", "bin", "tsc"), "-p", project);
}

/** The same once more, module by module: what was checked is not checked twice, and the types are the same. */
function toCommonJs() {
  const { config } = typescript.readConfigFile(join(here, "tsconfig.json"), typescript.sys.readFile);
  const { options } = typescript.convertCompilerOptionsFromJson(
    { ...config.compilerOptions, module: "commonjs", moduleResolution: undefined, noEmit: false },
    here,
  );
  for (const name of readdirSync(join(here, "src"), { recursive: true })) {
    if (name.endsWith(".ts")) {
      const compiled = typescript.transpileModule(contents(join(here, "src", name)), { compilerOptions: options });
      const stem = name.slice(0, -".ts".length);
      mkdirSync(dirname(join(here, "dist", "cjs", name)), { recursive: true });
      writeFileSync(join(here, "dist", "cjs", `${stem}.js`), compiled.outputText);
      copyFileSync(join(here, "dist", "esm", `${stem}.d.ts`), join(here, "dist", "cjs", `${stem}.d.ts`));
    }
  }
}

function contents(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** A digest of everything that is compiled, and of what compiles it. */
function sources() {
  const hash = createHash("sha256");
  for (const folder of ["", "src", "test", "conformance", "examples", "scenes"]) {
    const entries = readdirSync(join(here, folder), { recursive: folder !== "" });
    for (const name of entries.filter((entry) => /\.(ts|mjs|json)$/.test(entry)).sort()) {
      hash.update(`${join(folder, name)}\0`).update(contents(join(here, folder, name)));
    }
  }
  return hash.digest("hex");
}

if (what === "stale") {
  const lock = createHash("sha256")
    .update(contents(join(here, "package-lock.json")))
    .digest("hex");
  if (contents(installed) !== lock) {
    run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts");
    writeFileSync(installed, lock);
  }
}
const state = sources();
if (what === "stale" && contents(built) === state) {
  process.exit(0);
}
const { default: typescript } = await import("typescript"); // not before it is installed
rmSync(join(here, "dist"), { recursive: true, force: true });
compile("tsconfig.esm.json");
toCommonJs();
for (const [kind, type] of [
  ["esm", "module"],
  ["cjs", "commonjs"],
]) {
  writeFileSync(join(here, "dist", kind, "package.json"), `${JSON.stringify({ type })}\n`);
}
if (what !== "package") {
  rmSync(join(here, "build"), { recursive: true, force: true });
  compile("tsconfig.programs.json");
  writeFileSync(built, state);
}
