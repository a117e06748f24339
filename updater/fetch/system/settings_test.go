package system

import "testing"

func TestWindowsSettings(t *testing.T) {
	for _, tc := range []struct{ server, except, target, want string }{
		{"proxy:8080", "", "https://feed.example/x", "http://proxy:8080"},
		{"http://proxy:8080", "", "https://feed.example/x", "http://proxy:8080"},
		{"http=a:1;https=b:2;socks=c:3", "", "https://feed.example/x", "http://b:2"},
		{"http=a:1", "", "https://feed.example/x", ""},
		{"proxy:8080", "*.example;10.*", "https://feed.example/x", ""},
		{"proxy:8080", "10.*", "http://10.1.2.3:99/x", ""},
		{"proxy:8080", "<local>", "http://intranet/x", ""},
		{"proxy:8080", "<local>", "http://feed.example/x", "http://proxy:8080"},
		{"proxy:8080", "[", "http://feed.example/x", "http://proxy:8080"},
		{"", "", "http://feed.example/x", ""},
		{"ftp://a:1", "", "http://feed.example/x", ""},
		{"socks://a:1", "", "http://feed.example/x", "socks5://a:1"},
	} {
		got := ""
		if u := fromSettings(tc.server, tc.except, tc.target); u != nil {
			got = u.String()
		}
		if got != tc.want {
			t.Errorf("%+v: %q", tc, got)
		}
	}
}

func FuzzSettings(f *testing.F) {
	f.Add("http=a:1;https=b:2", "*.example;<local>", "https://feed.example/x")
	f.Fuzz(func(t *testing.T, server, except, target string) {
		if u := fromSettings(server, except, target); u != nil && u.Hostname() == "" {
			t.Errorf("%q gave %v", server, u)
		}
	})
}
