// Waits for something that never comes.
await new Promise(() => {
  setInterval(() => {}, 1_000);
});

export default {};
