#ifndef TESSERACT_WINDOW_GTK_H
#define TESSERACT_WINDOW_GTK_H

#include <stdint.h>

typedef struct {
	int x, y, width, height;
	int maximised, minimised, fullscreen, visible;
} window_frame;

// window_hold_back makes GTK swallow the first showing of a top-level window. Call it on the main thread before the window is made.
void window_hold_back(void);

// The rest may be called from any thread but GTK's; each waits until GTK has done it. They return 0 when there is no window yet.
int window_place(window_frame f);   // give the window its place and size while it is still held back
int window_present(window_frame f); // let it be seen, in the state that f describes
int window_hide(void);
int window_raise(void); // bring it to the user: shown, not minimised, in front, with the keyboard
int window_read(window_frame *f);

// ---- crossing: one window takes the place of another process's (crossing_linux.c) ----

typedef struct {
	int press; // 0: let go
	uint32_t value, code, state, time, group;
	int modifier;
} window_key;

typedef struct {
	int focused;       // it has the keyboard
	int pressed;       // mouse buttons that are down in it
	int grabbed;       // a menu or a drag has the pointer
	int64_t since_key; // microseconds since the last key
} window_use;

enum { INPUT_KEY, INPUT_END, INPUT_FOCUS, INPUT_DRAWN };

int window_can_cross(void); // 1; 0: no window; -1: not X11; -2: the window manager does not know how
int window_beneath(window_frame f);
int window_move_beneath(window_frame f);
int window_read_use(window_use *u);
int window_close_gate(void);
int window_open_gate(const window_key *first, int count, int own);
int window_barrier(void);
int window_pretend_focus(void);
int window_draw(void);
int window_activate(void);

#endif
