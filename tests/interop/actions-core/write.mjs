// Writes with GitHub's own toolkit what it reads as JSON from standard input: outputs to $GITHUB_OUTPUT, masks and
// annotations to standard output.
import { readFileSync } from "node:fs";
import * as core from "@actions/core";

const { outputs, masks, errors } = JSON.parse(readFileSync(0, "utf8"));
for (const [name, value] of outputs) core.setOutput(name, value);
for (const mask of masks) core.setSecret(mask);
for (const { title, text } of errors) core.error(text, { title });
