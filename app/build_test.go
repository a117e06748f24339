package app

import "testing"

func TestCheckURL(t *testing.T) {
	for feed, want := range map[string]string{
		"https://updates.example.org/feed/":     "https://updates.example.org/v1/check",
		"http://127.0.0.1:8460/feed":            "http://127.0.0.1:8460/v1/check",
		"https://cdn.example.org/notes/":        "",
		"https://cdn.example.org/newsfeed/":     "",
		"https://updates.example.org/app/feed/": "https://updates.example.org/app/v1/check",
		"":                                      "",
	} {
		if got := beside(feed, "/v1/check"); got != want {
			t.Errorf("%s: %q, want %q", feed, got, want)
		}
	}
}
