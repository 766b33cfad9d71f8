/**
 * Which call is made for which. A call keeps the links to its kin itself, so that being part of a family allocates
 * nothing: the fields `kin…` are those of this file.
 */
export interface Kin<T> {
  kinParent: T | undefined;
  kinFirstChild: T | undefined;
  kinNext: T | undefined;
  kinPrevious: T | undefined;
}

export function addChild<T extends Kin<T>>(parent: T, child: T): void {
  const first = parent.kinFirstChild;
  child.kinParent = parent;
  child.kinNext = first;
  if (first !== undefined) first.kinPrevious = child;
  parent.kinFirstChild = child;
}

/** Takes a call out of its parent's family. Nothing happens if it has no parent. */
export function leaveParent<T extends Kin<T>>(child: T): void {
  const { kinParent: parent, kinNext: next, kinPrevious: previous } = child;
  if (parent === undefined) return;
  if (previous === undefined) parent.kinFirstChild = next;
  else previous.kinNext = next;
  if (next !== undefined) next.kinPrevious = previous;
  child.kinParent = undefined;
  child.kinNext = undefined;
  child.kinPrevious = undefined;
}

/** Parts a call from all its children. */
export function takeChildren<T extends Kin<T>>(parent: T): readonly T[] {
  const children: T[] = [];
  for (let child = parent.kinFirstChild; child !== undefined; child = parent.kinFirstChild) {
    leaveParent(child);
    children.push(child);
  }
  return children;
}
