// Reads a recipe as the CI system does: node parse.js circleci FILE, node parse.js azure FILE SCHEMA
"use strict";

const fs = require("node:fs");

const [system, file, schema] = process.argv.slice(2);
const text = fs.readFileSync(file, "utf8");

async function circleci() {
  const config = require("@circleci/circleci-config-parser").parseConfig(text);
  if (config.jobs.length === 0 || config.workflows.length === 0) {
    throw new Error("it has no job, or no workflow");
  }
}

async function azure() {
  const { getLanguageService, parse, TextDocument } = require("azure-pipelines-language-service");
  const content = JSON.parse(fs.readFileSync(schema, "utf8"));
  const service = getLanguageService(
    async () => content,
    [],
    async () => "file:///schema.json",
  );
  service.configure({ validate: true });
  const problems = await service.doValidation(TextDocument.create("file:///recipe.yml", "yaml", 1, text), parse(text));
  if (problems.length > 0) {
    throw new Error(problems.map((problem) => `line ${problem.range.start.line + 1}: ${problem.message}`).join("\n"));
  }
}

({ circleci, azure })[system]().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
