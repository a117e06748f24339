package app

// startHidden is off: package window holds the window back underneath Wails, whose own way shows it for a moment on Linux.
const startHidden = false
