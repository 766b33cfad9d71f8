throw new Error("no database at this address");
