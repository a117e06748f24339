//go:build linux && production

#include "gtk_linux.h"
#include "parts_linux.h"

// Exported by gtk_linux.go: the frame has changed.
extern void windowChanged(window_frame f);

static GtkWindow *window;             // ours, once Wails has tried to show it
static gboolean held;                 // nothing may be seen yet
static window_frame normal;           // place and size when neither maximised, minimised nor full screen
static GdkWindowState state;
static void (*show_of_class)(GtkWidget *);

static window_frame current(void)
{
	window_frame f = normal;
	f.maximised = (state & GDK_WINDOW_STATE_MAXIMIZED) != 0;
	f.minimised = (state & GDK_WINDOW_STATE_ICONIFIED) != 0;
	f.fullscreen = (state & GDK_WINDOW_STATE_FULLSCREEN) != 0;
	f.visible = !held && gtk_widget_get_visible(GTK_WIDGET(window));
	return f;
}

static gboolean on_state(GtkWidget *widget, GdkEventWindowState *event, gpointer data)
{
	state = event->new_window_state;
	windowChanged(current());
	return FALSE;
}

// The place is read as the content's origin, and set with static gravity, which speaks of the content, too. GTK's default speaks of the
// frame that the window manager adds, and moves a window by the frame's size whenever it is hidden and shown.
static gboolean on_configure(GtkWidget *widget, GdkEvent *event, gpointer data)
{
	const GdkWindowState covering = GDK_WINDOW_STATE_MAXIMIZED | GDK_WINDOW_STATE_ICONIFIED | GDK_WINDOW_STATE_FULLSCREEN;
	GdkWindow *gdk = gtk_widget_get_window(widget);
	if (held || gdk == NULL || (gdk_window_get_state(gdk) & covering) != 0)
		return FALSE;
	gdk_window_get_origin(gdk, &normal.x, &normal.y);
	gtk_window_get_size(window, &normal.width, &normal.height);
	windowChanged(current());
	return FALSE;
}

static void on_visible(GtkWidget *widget, gpointer data)
{
	windowChanged(current());
}

// A page in a window that was never shown has no size, and nothing in it can be scrolled. So the window is realised and laid out by hand.
static void lay_out(int width, int height)
{
	GtkAllocation all = {0, 0, width, height};
	GtkWidget *widget = GTK_WIDGET(window);
	gtk_widget_realize(widget);
	gtk_window_resize(window, width, height);
	gtk_widget_size_allocate(widget, &all);
	normal.width = width;
	normal.height = height;
}

static void adopt(GtkWindow *w)
{
	int width, height;
	window = w;
	gtk_window_get_default_size(w, &width, &height);
	lay_out(width, height);
	g_signal_connect(w, "window-state-event", G_CALLBACK(on_state), NULL);
	g_signal_connect(w, "configure-event", G_CALLBACK(on_configure), NULL);
	g_signal_connect_after(w, "show", G_CALLBACK(on_visible), NULL);
	g_signal_connect_after(w, "hide", G_CALLBACK(on_visible), NULL);
	window_watch_input(w);
}

static void show(GtkWidget *widget)
{
	if (window == NULL && gtk_window_get_window_type(GTK_WINDOW(widget)) == GTK_WINDOW_TOPLEVEL)
		adopt(GTK_WINDOW(widget));
	if (held && GTK_WINDOW(widget) == window)
		return;
	show_of_class(widget);
}

void window_hold_back(void)
{
	if (!gtk_init_check(NULL, NULL))
		return; // Wails will say so
	GtkWidgetClass *class = GTK_WIDGET_CLASS(g_type_class_ref(GTK_TYPE_WINDOW));
	held = TRUE;
	show_of_class = class->show;
	class->show = show;
}

GtkWindow *window_toplevel(void) { return window; }

typedef struct {
	void (*run)(void *);
	void *data;
	GMutex mutex;
	GCond cond;
	gboolean done, found;
} call;

static gboolean run_call(gpointer data)
{
	call *c = data;
	c->found = window != NULL;
	if (c->found)
		c->run(c->data);
	g_mutex_lock(&c->mutex);
	c->done = TRUE;
	g_cond_signal(&c->cond);
	g_mutex_unlock(&c->mutex);
	return G_SOURCE_REMOVE;
}

int window_do(int priority, void (*run)(void *), void *data)
{
	call c = {.run = run, .data = data};
	g_mutex_init(&c.mutex);
	g_cond_init(&c.cond);
	g_idle_add_full(priority, run_call, &c, NULL);
	g_mutex_lock(&c.mutex);
	while (!c.done)
		g_cond_wait(&c.cond, &c.mutex);
	g_mutex_unlock(&c.mutex);
	g_mutex_clear(&c.mutex);
	g_cond_clear(&c.cond);
	return c.found;
}

// Low priority: what Wails has queued after showing (centring, for one) must be over before the place is set.
static int on_gtk_thread(void (*run)(void *), window_frame *frame) { return window_do(G_PRIORITY_LOW, run, frame); }

static void place(void *data)
{
	const window_frame *f = data;
	if (held)
		lay_out(f->width, f->height);
}

// arrange gives the window, which is about to be mapped, its place and state.
static void arrange(const window_frame *f)
{
	gtk_window_set_gravity(window, GDK_GRAVITY_STATIC);
	gtk_window_set_default_size(window, f->width, f->height);
	gtk_window_resize(window, f->width, f->height);
	if (f->x != 0 || f->y != 0)
		gtk_window_move(window, f->x, f->y);
	// GTK maps a window in the state in which it was hidden, so that what is not wanted must be taken back, too.
	(f->maximised ? gtk_window_maximize : gtk_window_unmaximize)(window);
	(f->fullscreen ? gtk_window_fullscreen : gtk_window_unfullscreen)(window);
	(f->minimised ? gtk_window_iconify : gtk_window_deiconify)(window); // before it is mapped, so that it never is on the screen
	normal = *f;
}

static void present(void *data)
{
	const window_frame *f = data;
	gboolean first = held;
	held = FALSE;
	window_leave_beneath();
	arrange(f);
	if (!f->visible) {
		if (first)
			lay_out(f->width, f->height);
		return;
	}
	gtk_window_set_focus_on_map(window, !f->minimised);
	gtk_widget_show(GTK_WIDGET(window));
	gtk_window_set_focus_on_map(window, TRUE);
}

void window_map_beneath(const window_frame *f)
{
	held = FALSE;
	arrange(f);
	gtk_window_set_focus_on_map(window, FALSE);
	window_keep_beneath(TRUE);
	gtk_widget_show(GTK_WIDGET(window));
	gtk_window_set_focus_on_map(window, TRUE);
}

void window_keep_beneath(gboolean beneath)
{
	gtk_window_set_keep_below(window, beneath);
	gtk_window_set_skip_taskbar_hint(window, beneath);
	gtk_window_set_skip_pager_hint(window, beneath);
}

static void hide(void *data) { gtk_widget_hide(GTK_WIDGET(window)); }

static void raise_(void *data)
{
	if (held)
		return; // it will be shown when it is ready
	gtk_widget_show(GTK_WIDGET(window));
	gtk_window_deiconify(window);
	gtk_window_present(window);
}

static void read_frame(void *data) { *(window_frame *)data = current(); }

int window_place(window_frame f) { return on_gtk_thread(place, &f); }
int window_present(window_frame f) { return on_gtk_thread(present, &f); }
int window_read(window_frame *f) { return on_gtk_thread(read_frame, f); }

int window_hide(void) { return on_gtk_thread(hide, NULL); }
int window_raise(void) { return on_gtk_thread(raise_, NULL); }
