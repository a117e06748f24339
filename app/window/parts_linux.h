#ifndef TESSERACT_WINDOW_PARTS_H
#define TESSERACT_WINDOW_PARTS_H

// What the C files of this package share. Everything here but window_do runs on GTK's thread.

#include "gtk_linux.h"

#include <gtk/gtk.h>

// window_do runs something on GTK's thread and waits for it. It returns 0, and nothing has run, when there is no window yet.
int window_do(int priority, void (*run)(void *), void *data);

GtkWindow *window_toplevel(void); // NULL before Wails has made it
void window_map_beneath(const window_frame *f);
void window_keep_beneath(gboolean beneath);
void window_leave_beneath(void); // what was kept beneath is presented like any other window
void window_watch_input(GtkWindow *w);

#endif
