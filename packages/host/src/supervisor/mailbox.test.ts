import { describe, expect, it } from "vitest";
import { createMailbox } from "./mailbox.js";

describe("a mailbox", () => {
  it("takes what is posted meanwhile afterwards, in order", () => {
    const taken: string[] = [];
    const mailbox = createMailbox<string>(
      (fact) => {
        taken.push(`begin ${fact}`);
        if (fact === "a") {
          mailbox.post("b");
          mailbox.post("c");
        }
        taken.push(`end ${fact}`);
      },
      (error) => {
        throw error;
      },
    );
    mailbox.post("a");
    expect(taken).toEqual(["begin a", "end a", "begin b", "end b", "begin c", "end c"]);
  });

  it("goes on after a handler that throws", () => {
    const taken: string[] = [];
    const errors: unknown[] = [];
    const mailbox = createMailbox<string>(
      (fact) => {
        if (fact === "bad") throw new Error("broken");
        taken.push(fact);
      },
      (error, fact) => errors.push([error, fact]),
    );
    mailbox.post("bad");
    mailbox.post("good");
    expect(taken).toEqual(["good"]);
    expect(errors).toEqual([[new Error("broken"), "bad"]]);
  });
});
