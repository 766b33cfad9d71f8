/**
 * Something with a deadline. The wheel keeps its links in it, so that waiting allocates nothing: the fields `wheel…`
 * are the wheel's own.
 */
export interface Timed {
  /** On the `performance.now()` clock, in ms. Must not change while it waits. */
  readonly deadline: number;
  /** The deadline has passed; it no longer waits. Must not throw. */
  expire(): void;
  wheelTick: number;
  wheelNext: Timed | undefined;
  wheelPrevious: Timed | undefined;
}

/** The value of `wheelTick` of what does not wait. */
export const NOT_WAITING = -1;

/** All deadlines of a process on one timer. */
export interface TimerWheel {
  /** Ignores what has no finite deadline. What waits already keeps waiting. */
  add(timed: Timed): void;
  /** Nothing happens if it does not wait. */
  remove(timed: Timed): void;
  readonly size: number;
}

/** How late a deadline may be told, besides the lateness of timers themselves. */
const TICK_MS = 4;
const SLOTS = 1024;

interface RunningTimer {
  readonly handle: ReturnType<typeof setTimeout>;
  readonly tick: number;
  /** Of the clock that it was set by: tests exchange clocks, and a timer of the old one may never come. */
  readonly clock: typeof setTimeout;
}

/**
 * A hashed wheel: a deadline waits in the slot of its tick, whatever the round. Adding and removing are a few
 * assignments; the one timer is set for the earliest tick at which something can be due, and is only moved when
 * something earlier comes.
 */
export function createTimerWheel(): TimerWheel {
  const slots: (Timed | undefined)[] = new Array(SLOTS).fill(undefined);
  let size = 0;
  let timer: RunningTimer | undefined;

  function add(timed: Timed): void {
    if (timed.deadline === Infinity || timed.wheelTick !== NOT_WAITING) return;
    const tick = Math.max(0, Math.ceil(timed.deadline / TICK_MS));
    const slot = tick % SLOTS;
    const head = slots[slot];
    timed.wheelTick = tick;
    timed.wheelPrevious = undefined;
    timed.wheelNext = head;
    if (head !== undefined) head.wheelPrevious = timed;
    slots[slot] = timed;
    if (timer === undefined || tick < timer.tick || timer.clock !== setTimeout) setTimer(tick);
    else if (size === 0) keepAlive(timer.handle, true);
    size += 1;
  }

  function remove(timed: Timed): void {
    const { wheelTick, wheelNext, wheelPrevious } = timed;
    if (wheelTick === NOT_WAITING) return;
    if (wheelPrevious === undefined) slots[wheelTick % SLOTS] = wheelNext;
    else wheelPrevious.wheelNext = wheelNext;
    if (wheelNext !== undefined) wheelNext.wheelPrevious = wheelPrevious;
    timed.wheelTick = NOT_WAITING;
    timed.wheelNext = undefined;
    timed.wheelPrevious = undefined;
    size -= 1;
    // The timer stays: the next call sets the same one again. It must not hold up the end of the process, though.
    if (size === 0 && timer !== undefined) keepAlive(timer.handle, false);
  }

  function setTimer(tick: number): void {
    if (timer !== undefined && timer.clock === setTimeout) clearTimeout(timer.handle);
    const delay = Math.min(MAX_DELAY_MS, Math.max(1, Math.ceil(tick * TICK_MS - performance.now())));
    timer = { handle: setTimeout(turn, delay), tick, clock: setTimeout };
  }

  function turn(): void {
    timer = undefined;
    const now = Math.floor(performance.now() / TICK_MS);
    for (const timed of dueAt(now)) {
      // One that expired may have removed others, added some, and set the timer.
      if (timed.wheelTick === NOT_WAITING) continue;
      remove(timed);
      timed.expire();
    }
    if (size === 0) return;
    const next = earliest(now + 1);
    if (timer === undefined || next < (timer as RunningTimer).tick) setTimer(next);
  }

  /** After a long pause any number of ticks is due, so every slot is looked at; it happens once per timer. */
  function dueAt(now: number): Timed[] {
    const due: Timed[] = [];
    for (const head of slots) {
      for (let timed = head; timed !== undefined; timed = timed.wheelNext) {
        if (timed.wheelTick <= now) due.push(timed);
      }
    }
    // Of equal deadlines the first to be added comes first: a caller hears of its own before its provider does.
    return due.reverse().sort((a, b) => a.deadline - b.deadline);
  }

  function earliest(from: number): number {
    let earliest = Infinity;
    for (let tick = from; tick < from + SLOTS; tick += 1) {
      for (let timed = slots[tick % SLOTS]; timed !== undefined; timed = timed.wheelNext) {
        if (timed.wheelTick === tick) return tick;
        earliest = Math.min(earliest, timed.wheelTick);
      }
    }
    return earliest;
  }

  return {
    add,
    remove,
    get size() {
      return size;
    },
  };
}

/** The longest delay that `setTimeout` takes. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Node's timers keep the process alive unless told not to; those of browsers are plain numbers. */
function keepAlive(handle: ReturnType<typeof setTimeout>, alive: boolean): void {
  if (typeof handle !== "object") return;
  if (alive) handle.ref();
  else handle.unref();
}

/** The wheel of this process. */
export const deadlines: TimerWheel = createTimerWheel();
