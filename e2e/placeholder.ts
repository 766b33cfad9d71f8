// Only until the first real file is here: tsc wants one. Delete me.
export {};
