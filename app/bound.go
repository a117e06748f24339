package app

// bound is everything that the page may call: Wails binds every exported method of these types, and nothing else.
func bound(documents *Documents, settings *Settings, updates *Updates, session *Session, window *Window) []any {
	return []any{documents, settings, updates, session, window}
}
