// Cargo wants a library; there is none.
