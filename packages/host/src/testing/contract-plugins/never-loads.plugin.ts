// Waits for something that never comes.
console.error("waiting");
await new Promise(() => {
  setInterval(() => {}, 1_000);
});

export default {};
