/**
 * The knots of a directed graph: every group of nodes that can all reach each other, and every node that reaches itself
 * by one edge (Tarjan's algorithm).
 *
 * @param {Map<string, Iterable<string>>} graph node to the nodes it leads to; unknown targets are left out
 * @returns {string[][]} each group in the order of one cycle through it, as far as there is a single one
 */
export function findCycles(graph) {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const onStack = new Set();
  const groups = [];

  const visit = (node) => {
    index.set(node, index.size);
    low.set(node, index.get(node));
    stack.push(node);
    onStack.add(node);
    for (const next of graph.get(node)) {
      if (!graph.has(next)) continue;
      if (!index.has(next)) {
        visit(next);
        low.set(node, Math.min(low.get(node), low.get(next)));
      } else if (onStack.has(next)) {
        low.set(node, Math.min(low.get(node), index.get(next)));
      }
    }
    if (low.get(node) !== index.get(node)) return;
    const group = [];
    let member;
    do {
      member = stack.pop();
      onStack.delete(member);
      group.push(member);
    } while (member !== node);
    const knot = group.length > 1 || [...graph.get(node)].includes(node);
    if (knot) groups.push(group.reverse());
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return groups;
}
