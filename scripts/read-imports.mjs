// What a TypeScript or JavaScript file imports and which free names it uses, read from its syntax tree.
import ts from "typescript";

/**
 * @typedef {object} Import
 * @property {string} specifier
 * @property {number} line from 1
 * @property {boolean} typeOnly nothing of it is left at run time
 * @property {boolean} lazy an `import()`: loaded later, so it makes no load cycle
 * @property {string[]} names what is taken from it; `["*"]` when everything is
 */

/**
 * @param {string} path only its ending matters
 * @param {string} text
 * @returns {{ imports: Import[], freeNames: { name: string, line: number }[], environment: number[] }}
 *   `environment` holds the lines where `process.env` is reached
 */
export function readImports(path, text) {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  const imports = [];
  const identifiers = [];
  const declared = new Set();
  const environment = [];
  const lineOf = (node) => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;

  const add = (node, specifier, typeOnly, lazy, names) =>
    imports.push({ specifier: specifier.text, line: lineOf(node), typeOnly, lazy, names });

  const visit = (node) => {
    if (ts.isImportDeclaration(node)) {
      const clause = node.importClause;
      const names = importedNames(clause);
      const typeOnly = clause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
      add(node, node.moduleSpecifier, typeOnly, false, names);
      if (isProcessModule(node.moduleSpecifier.text) && names.includes("env")) environment.push(lineOf(node));
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      const named = node.exportClause !== undefined && ts.isNamedExports(node.exportClause);
      const names = named
        ? node.exportClause.elements.map((element) => (element.propertyName ?? element.name).text)
        : ["*"];
      add(node, node.moduleSpecifier, node.isTypeOnly, false, names);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const first = node.qualifier?.getText(source).split(".")[0];
      add(node, node.argument.literal, true, false, [first ?? "*"]);
    } else if (
      ts.isCallExpression(node) &&
      node.expression.kind === ts.SyntaxKind.ImportKeyword &&
      node.arguments[0] !== undefined &&
      ts.isStringLiteralLike(node.arguments[0])
    ) {
      add(node, node.arguments[0], false, true, ["*"]);
    }
    if (readsEnvironment(node, source)) environment.push(lineOf(node));
    if (ts.isIdentifier(node)) {
      if (isDeclarationName(node)) declared.add(node.text);
      else if (isReference(node)) identifiers.push({ name: node.text, line: lineOf(node) });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { imports, environment, freeNames: identifiers.filter(({ name }) => !declared.has(name)) };
}

function importedNames(clause) {
  if (clause === undefined) return [];
  const names = clause.name === undefined ? [] : ["default"];
  const bindings = clause.namedBindings;
  if (bindings === undefined) return names;
  if (ts.isNamespaceImport(bindings)) return [...names, "*"];
  return [...names, ...bindings.elements.map((element) => (element.propertyName ?? element.name).text)];
}

const isProcessModule = (specifier) => specifier === "node:process" || specifier === "process";

/** `process.env`, `globalThis.process["env"]`, `const { env } = process`. */
function readsEnvironment(node, source) {
  const isProcess = (expression) => /(^|\.)process$/.test(expression.getText(source));
  if (ts.isPropertyAccessExpression(node)) return node.name.text === "env" && isProcess(node.expression);
  if (ts.isElementAccessExpression(node)) {
    const { argumentExpression: key } = node;
    return ts.isStringLiteralLike(key) && key.text === "env" && isProcess(node.expression);
  }
  if (
    ts.isVariableDeclaration(node) &&
    ts.isObjectBindingPattern(node.name) &&
    node.initializer !== undefined &&
    isProcess(node.initializer)
  ) {
    return node.name.elements.some(
      (element) =>
        element.dotDotDotToken !== undefined ||
        (element.propertyName ?? element.name).getText(source) === "env",
    );
  }
  return false;
}

function isDeclarationName(node) {
  const { parent } = node;
  return (
    (ts.isVariableDeclaration(parent) ||
      ts.isParameter(parent) ||
      ts.isBindingElement(parent) ||
      ts.isFunctionDeclaration(parent) ||
      ts.isFunctionExpression(parent) ||
      ts.isClassDeclaration(parent) ||
      ts.isImportClause(parent) ||
      ts.isImportSpecifier(parent) ||
      ts.isNamespaceImport(parent)) &&
    parent.name === node
  );
}

/** True for a name that stands for a value; false for property names, keys, labels and types. */
function isReference(node) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) {
    const onGlobal = ts.isIdentifier(parent.expression) && parent.expression.text === "globalThis";
    return parent.expression === node || onGlobal;
  }
  if (ts.isQualifiedName(parent) || ts.isTypeReferenceNode(parent)) return false;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  const named = "name" in parent && parent.name === node;
  const renamed = "propertyName" in parent && parent.propertyName === node;
  return !named && !renamed;
}
