package sandbox

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxPart = 255  // bytes in one part of a name: the limit of every common file system
	maxName = 2048 // bytes in a whole name
)

// NameError says why a name is refused.
type NameError struct {
	Name string
	Why  string // follows "because"
}

func (e *NameError) Error() string {
	return fmt.Sprintf("the name %q is refused because %s", e.Name, e.Why)
}

// CheckName accepts relative names, parts separated by slashes, that mean the same plain file or folder
// on Linux, Windows and macOS, and returns a *NameError for all others.
func CheckName(name string) error {
	refuse := func(format string, args ...any) error {
		return &NameError{Name: name, Why: fmt.Sprintf(format, args...)}
	}
	switch {
	case name == "":
		return refuse("it is empty")
	case len(name) > maxName:
		return refuse("it is longer than %d bytes", maxName)
	case !utf8.ValidString(name):
		return refuse("it is not UTF-8 text")
	case strings.HasPrefix(name, "/"):
		return refuse("it starts at the root of the disk")
	}
	for _, r := range name {
		switch {
		case r == '\\':
			return refuse("it has a backslash; folders are separated by /")
		case strings.ContainsRune(`:*?"<>|`, r):
			return refuse("it has %q, which Windows does not allow in names", r)
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u2028', r == '\u2029':
			return refuse("it has an invisible character (%U)", r)
		}
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "":
			return refuse("a part of it is empty")
		case part == "." || part == "..":
			return refuse("it has the part %q, which leads elsewhere", part)
		case len(part) > maxPart:
			return refuse("a part of it is longer than %d bytes", maxPart)
		case strings.HasSuffix(part, ".") || strings.HasSuffix(part, " "):
			return refuse("a part of it ends in a dot or a space, which Windows drops")
		case reserved(part):
			return refuse("%s is the name of a device on Windows", part)
		}
	}
	return nil
}

// reserved tells device names, which Windows recognises in any case, with any extension and with spaces before it.
func reserved(part string) bool {
	base, _, _ := strings.Cut(part, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$":
		return true
	}
	number, ok := strings.CutPrefix(base, "COM")
	if !ok {
		number, ok = strings.CutPrefix(base, "LPT")
	}
	return ok && strings.Contains("0123456789¹²³", number) && utf8.RuneCountInString(number) == 1
}
