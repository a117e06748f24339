#ifndef TESSERACT_WINDOW_GTK_H
#define TESSERACT_WINDOW_GTK_H

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

#endif
