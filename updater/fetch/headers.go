package fetch

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// contentRange parses "bytes 5-9/10" to the span of bytes 5 to 9 and the total, -1 where it is "*".
func contentRange(s string) (part span, total int64, ok bool) {
	s, ok = strings.CutPrefix(s, "bytes ")
	if !ok {
		return span{}, 0, false
	}
	numbers, size, ok := strings.Cut(s, "/")
	first, last, ok2 := strings.Cut(numbers, "-")
	if !ok || !ok2 {
		return span{}, 0, false
	}
	from, ok := decimal(first)
	to, ok2 := decimal(last)
	if !ok || !ok2 || to < from {
		return span{}, 0, false
	}
	part = span{from, to + 1}
	if size == "*" {
		return part, -1, true
	}
	total, ok = decimal(size)
	return part, total, ok && total >= part.to
}

// unsatisfied parses the "bytes */10" of a 416 to the length of the server's file, -1 where it does not say.
func unsatisfied(s string) int64 {
	size, ok := strings.CutPrefix(s, "bytes */")
	if total, number := decimal(size); ok && number {
		return total
	}
	return -1
}

// decimal reads digits and nothing else, far enough from the largest number to count on with.
func decimal(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 63)
	return n, err == nil && s[0] >= '0' && s[0] <= '9'
}

// retryAfter reads seconds or a date; 0 where there is neither.
func retryAfter(s string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(s, 10, 32); err == nil {
		return time.Duration(max(seconds, 0)) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// strongTag is what recognises the file of an answer, for If-Range: a strong ETag or, where there is none, the date of the last change.
func strongTag(h http.Header) string {
	v := h.Get("ETag")
	if v == "" || strings.HasPrefix(v, "W/") {
		v = h.Get("Last-Modified")
	}
	if !validTag(v) {
		return ""
	}
	return v
}

// validTag tells whether v can be sent and kept.
func validTag(v string) bool {
	return len(v) <= 1024 && !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f })
}
