//go:build linux && production

#include "parts_linux.h"

#include <gdk/gdkx.h>
#include <X11/Xatom.h>

// Exported by crossing_linux.go. It is called on GTK's thread and returns at once.
extern void windowInput(int what, window_key key);

static enum { OPEN, HOLDING, FORWARDING } gate;
static GQueue kept = G_QUEUE_INIT; // keys since the gate was closed, in order
static gboolean own;               // the key under way is one of ours, and passes
static gboolean pretending;        // the focus under way is one of ours
static gboolean focused;           // it has the keyboard, and does not only pretend
static gboolean drawing;           // somebody waits for the next drawing
static int pressed;
static gint64 last_key;
static GtkWidget *page; // Wails' web view

static const window_key none;

static gboolean on_key(GtkWidget *widget, GdkEventKey *event, gpointer data)
{
	if (own)
		return FALSE;
	last_key = g_get_monotonic_time();
	if (gate == OPEN)
		return FALSE;
	g_queue_push_tail(&kept, gdk_event_copy((GdkEvent *)event));
	if (gate == FORWARDING) {
		window_key key = {
			.press = event->type == GDK_KEY_PRESS, .value = event->keyval, .code = event->hardware_keycode,
			.state = event->state, .time = event->time, .group = event->group, .modifier = event->is_modifier,
		};
		windowInput(INPUT_KEY, key);
	}
	return TRUE;
}

static gboolean on_focus(GtkWidget *widget, GdkEventFocus *event, gpointer data)
{
	if (pretending)
		return FALSE;
	focused = event->in;
	if (focused)
		windowInput(INPUT_FOCUS, none);
	else if (gate == FORWARDING)
		windowInput(INPUT_END, none); // behind the last key, in the same queue
	return FALSE;
}

static gboolean on_button(GtkWidget *widget, GdkEventButton *event, gpointer data)
{
	if (event->type == GDK_BUTTON_PRESS)
		pressed |= 1 << MIN(event->button, 30);
	else if (event->type == GDK_BUTTON_RELEASE)
		pressed &= ~(1 << MIN(event->button, 30));
	return FALSE;
}

static gboolean on_draw(GtkWidget *widget, cairo_t *cairo, gpointer data)
{
	if (drawing)
		windowInput(INPUT_DRAWN, none);
	drawing = FALSE;
	return FALSE;
}

// Two windows of the same content fight for X's primary selection: the one that gets it makes the other one drop its own, which a page
// would report as a change. While the gate is closed, this window does not hear of it.
static GdkFilterReturn filter(GdkXEvent *x, GdkEvent *event, gpointer data)
{
	const XEvent *e = (XEvent *)x;
	if (gate == FORWARDING && e->type == SelectionClear && e->xselectionclear.selection == XA_PRIMARY)
		return GDK_FILTER_REMOVE;
	return GDK_FILTER_CONTINUE;
}

static void find_page(GtkWidget *widget, gpointer found)
{
	const GType view = g_type_from_name("WebKitWebView"); // by name, so that WebKit's version is Wails' choice alone
	if (view != 0 && g_type_is_a(G_OBJECT_TYPE(widget), view))
		*(GtkWidget **)found = widget;
	else if (GTK_IS_CONTAINER(widget))
		gtk_container_forall(GTK_CONTAINER(widget), find_page, found);
}

void window_watch_input(GtkWindow *w)
{
	g_signal_connect(w, "key-press-event", G_CALLBACK(on_key), NULL);
	g_signal_connect(w, "key-release-event", G_CALLBACK(on_key), NULL);
	g_signal_connect(w, "focus-in-event", G_CALLBACK(on_focus), NULL);
	g_signal_connect(w, "focus-out-event", G_CALLBACK(on_focus), NULL);
	find_page(GTK_WIDGET(w), &page);
	if (page == NULL)
		return;
	g_signal_connect(page, "button-press-event", G_CALLBACK(on_button), NULL);
	g_signal_connect(page, "button-release-event", G_CALLBACK(on_button), NULL);
	g_signal_connect_after(page, "draw", G_CALLBACK(on_draw), NULL);
	if (GDK_IS_X11_DISPLAY(gdk_display_get_default()))
		gdk_window_add_filter(NULL, filter, NULL);
}

// ---- what the rest of the package asks for ----

static GdkWindow *surface(void) { return gtk_widget_get_window(GTK_WIDGET(window_toplevel())); }

static void can_cross(void *answer)
{
	static const char *const needed[] = {"_NET_WM_STATE_BELOW", "_NET_ACTIVE_WINDOW"};
	GdkScreen *screen = gtk_window_get_screen(window_toplevel());
	if (!GDK_IS_X11_SCREEN(screen)) {
		*(int *)answer = -1;
		return;
	}
	*(int *)answer = page == NULL ? -2 : 1;
	for (gsize i = 0; i < G_N_ELEMENTS(needed); i++)
		if (!gdk_x11_screen_supports_net_wm_hint(screen, gdk_atom_intern_static_string(needed[i])))
			*(int *)answer = -2;
}

// deliver gives the window a key that did not come from the keyboard just now.
static void deliver(GdkEvent *event)
{
	own = TRUE;
	gtk_widget_event(GTK_WIDGET(window_toplevel()), event);
	own = FALSE;
	gdk_event_free(event);
}

static void press(const window_key *key)
{
	GdkEvent *event = gdk_event_new(key->press ? GDK_KEY_PRESS : GDK_KEY_RELEASE);
	event->key.window = g_object_ref(surface());
	event->key.time = key->time != 0 ? key->time : GDK_CURRENT_TIME;
	event->key.state = key->state;
	event->key.keyval = key->value;
	event->key.hardware_keycode = key->code;
	event->key.group = key->group;
	event->key.is_modifier = key->modifier != 0;
	event->key.string = g_strdup("");
	gdk_event_set_device(event, gdk_seat_get_keyboard(gdk_display_get_default_seat(gdk_window_get_display(surface()))));
	deliver(event);
}

typedef struct {
	const window_key *first;
	int count, own;
} opening;

static void open_gate(void *data)
{
	const opening *o = data;
	gate = OPEN;
	for (int i = 0; i < o->count; i++)
		press(&o->first[i]);
	for (GdkEvent *event; (event = g_queue_pop_head(&kept)) != NULL;)
		o->own ? deliver(event) : gdk_event_free(event);
}

static void beneath(void *frame)
{
	gate = HOLDING;
	window_map_beneath(frame);
}

static void move_beneath(void *frame)
{
	const window_frame *f = frame;
	(f->maximised ? gtk_window_maximize : gtk_window_unmaximize)(window_toplevel());
	(f->fullscreen ? gtk_window_fullscreen : gtk_window_unfullscreen)(window_toplevel());
	gtk_window_move(window_toplevel(), f->x, f->y);
	gtk_window_resize(window_toplevel(), f->width, f->height);
}

static void read_use(void *use)
{
	window_use *u = use;
	GdkDisplay *display = gtk_widget_get_display(GTK_WIDGET(window_toplevel()));
	GdkDevice *pointer = gdk_seat_get_pointer(gdk_display_get_default_seat(display));
	u->focused = focused;
	u->pressed = pressed;
	u->grabbed = gtk_grab_get_current() != NULL || (pointer != NULL && gdk_display_device_is_grabbed(display, pointer));
	u->since_key = last_key == 0 ? G_MAXINT64 : g_get_monotonic_time() - last_key;
}

void window_leave_beneath(void)
{
	if (gate == HOLDING)
		open_gate(&(opening){.own = TRUE});
	window_keep_beneath(FALSE);
}

static void close_gate(void *data) { gate = FORWARDING; }

// A key that no keyboard has, sent the way that all keys go, arrives in the page behind all of them.
static void barrier(void *data)
{
	window_key key = {.press = 1, .value = GDK_KEY_F19, .code = 197};
	press(&key);
	key.press = 0;
	press(&key);
}

// The page learns where the pointer is, so that what it marks, and the pointer's shape, are right before it comes out.
static void pretend_pointer(void)
{
	GdkWindow *gdk = gtk_widget_get_window(page);
	GdkDevice *device = gdk_seat_get_pointer(gdk_display_get_default_seat(gdk_window_get_display(gdk)));
	int x, y, screen_x, screen_y;
	if (device == NULL)
		return;
	gdk_window_get_device_position(gdk, device, &x, &y, NULL);
	gdk_device_get_position(device, NULL, &screen_x, &screen_y);
	if (x < 0 || y < 0 || x >= gdk_window_get_width(gdk) || y >= gdk_window_get_height(gdk))
		return;
	GdkEvent *event = gdk_event_new(GDK_MOTION_NOTIFY);
	event->motion.window = g_object_ref(gdk);
	event->motion.time = GDK_CURRENT_TIME;
	event->motion.x = x;
	event->motion.y = y;
	event->motion.x_root = screen_x;
	event->motion.y_root = screen_y;
	gdk_event_set_device(event, device);
	gtk_widget_event(page, event);
	gdk_event_free(event);
}

static void pretend_focus(void *data)
{
	GdkEvent *event = gdk_event_new(GDK_FOCUS_CHANGE);
	event->focus_change.window = g_object_ref(surface());
	event->focus_change.in = TRUE;
	event->focus_change.send_event = TRUE;
	gdk_event_set_device(event, gdk_seat_get_keyboard(gdk_display_get_default_seat(gdk_window_get_display(surface()))));
	pretending = TRUE;
	gtk_widget_event(GTK_WIDGET(window_toplevel()), event);
	pretending = FALSE;
	gdk_event_free(event);
	pretend_pointer();
}

static void draw(void *data)
{
	drawing = TRUE;
	gtk_widget_queue_draw(GTK_WIDGET(window_toplevel()));
}

// activate asks the window manager as a pager does (source 2): it raises and focuses in one step, and does not think of focus stealing.
static void activate(void *data)
{
	GdkDisplay *display = gdk_window_get_display(surface());
	Display *x = gdk_x11_display_get_xdisplay(display);
	XEvent event = {.xclient = {
		.type = ClientMessage, .window = gdk_x11_window_get_xid(surface()), .format = 32,
		.message_type = gdk_x11_get_xatom_by_name_for_display(display, "_NET_ACTIVE_WINDOW"),
		.data.l = {2, gdk_x11_get_server_time(surface())},
	}};
	window_keep_beneath(FALSE);
	XSendEvent(x, DefaultRootWindow(x), False, SubstructureRedirectMask | SubstructureNotifyMask, &event);
	XFlush(x);
}

int window_can_cross(void)
{
	int answer = 0;
	window_do(G_PRIORITY_HIGH, can_cross, &answer);
	return answer;
}

int window_beneath(window_frame f) { return window_do(G_PRIORITY_LOW, beneath, &f); }
int window_move_beneath(window_frame f) { return window_do(G_PRIORITY_HIGH, move_beneath, &f); }
int window_read_use(window_use *u) { return window_do(G_PRIORITY_HIGH, read_use, u); }
int window_close_gate(void) { return window_do(G_PRIORITY_HIGH, close_gate, NULL); }

int window_open_gate(const window_key *first, int count, int own)
{
	opening o = {first, count, own};
	return window_do(G_PRIORITY_HIGH, open_gate, &o);
}

int window_barrier(void) { return window_do(G_PRIORITY_HIGH, barrier, NULL); }
int window_pretend_focus(void) { return window_do(G_PRIORITY_HIGH, pretend_focus, NULL); }
int window_draw(void) { return window_do(G_PRIORITY_HIGH, draw, NULL); }
int window_activate(void) { return window_do(G_PRIORITY_HIGH, activate, NULL); }
