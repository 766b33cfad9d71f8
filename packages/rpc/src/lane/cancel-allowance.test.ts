import { describe, expect, it } from "vitest";
import { CancelAllowance } from "./cancel-allowance.js";

/** How many calls in a row can be made and cancelled at this time. */
function burst(allowance: CancelAllowance, now: number): number {
  for (let calls = 0; ; calls++) {
    allowance.earn();
    if (!allowance.spend(now)) return calls;
  }
}

describe("cancelling calls", () => {
  it("is allowed in a burst, and more as time goes by", () => {
    const allowance = new CancelAllowance(100, 5_000);
    // The first of them finds that it has earned nothing more than it has.
    expect(burst(allowance, 5_000)).toBe(99);
    expect(burst(allowance, 5_050)).toBe(49);
    expect(burst(allowance, 60_000)).toBe(100);
  });

  it("is allowed without end as long as as many calls are not cancelled", () => {
    const allowance = new CancelAllowance(10, 0);
    for (let i = 0; i < 10_000; i++) {
      allowance.earn();
      allowance.earn();
      expect(allowance.spend(0)).toBe(true);
    }
  });
});
