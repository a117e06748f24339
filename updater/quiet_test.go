package updater

import (
	"testing"
	"time"
)

func TestQuietHours(t *testing.T) {
	workdays := [7]bool{time.Monday: true, time.Tuesday: true, time.Wednesday: true, time.Thursday: true, time.Friday: true}
	office := QuietHours{On: true, From: 9 * 60, To: 18 * 60, Days: workdays}
	night := QuietHours{On: true, From: 22 * 60, To: 7 * 60, Days: [7]bool{time.Friday: true}}
	whole := QuietHours{On: true, Days: [7]bool{time.Saturday: true, time.Sunday: true}}
	for name, c := range map[string]struct {
		hours QuietHours
		at    string
		until string // "": not quiet
	}{
		"off":                      {QuietHours{From: 0, To: 1439, Days: workdays}, "Mon 10:00", ""},
		"before work":              {office, "Mon 08:59", ""},
		"at its start":             {office, "Mon 09:00", "Mon 18:00"},
		"at its end":               {office, "Mon 18:00", ""},
		"on the weekend":           {office, "Sat 12:00", ""},
		"in the evening":           {night, "Fri 23:30", "Sat 07:00"},
		"after midnight":           {night, "Sat 06:59", "Sat 07:00"},
		"the next evening":         {night, "Sat 23:30", ""},
		"before it begins":         {night, "Fri 06:00", ""},
		"two whole days in a row":  {whole, "Sat 05:00", "Mon 00:00"},
		"no day is chosen":         {QuietHours{On: true}, "Mon 10:00", ""},
		"the evening of whole day": {whole, "Sun 23:59", "Mon 00:00"},
	} {
		t.Run(name, func(t *testing.T) {
			at := onWeek(t, c.at)
			if got := c.hours.Include(at); got != (c.until != "") {
				t.Fatalf("quiet: %v", got)
			}
			want := at
			if c.until != "" {
				want = onWeek(t, c.until)
			}
			if got := c.hours.Until(at); !got.Equal(want) {
				t.Fatalf("until %v, want %v", got, want)
			}
		})
	}
	always := QuietHours{On: true, Days: [7]bool{true, true, true, true, true, true, true}}
	if at := onWeek(t, "Mon 10:00"); always.Until(at).Sub(at) < 7*24*time.Hour {
		t.Error("hours without an end ended")
	}
}

// onWeek reads "Mon 15:04" as a time of one certain week, Monday first; a Sunday or Monday after the weekend is the coming one.
func onWeek(t *testing.T, s string) time.Time {
	t.Helper()
	clock, err := time.Parse("15:04", s[4:])
	if err != nil {
		t.Fatal(err)
	}
	days := map[string]int{"Fri": 6, "Sat": 7, "Sun": 8, "Mon": 9, "Tue": 10}
	return time.Date(2026, 3, days[s[:3]], clock.Hour(), clock.Minute(), 0, 0, time.Local)
}
