// Never gives its thread back, from the moment it is imported.
console.error(`spinning as ${process.pid}`);
for (;;);
