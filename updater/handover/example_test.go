package handover_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os/exec"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/handover"
)

// The running version starts the new one, waits until it is ready, hands over and stands by.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	successor, err := handover.Start(ctx, "/run/user/1000/notes", exec.Command("./notes"), nil)
	if err != nil {
		log.Fatal(err)
	}
	report, err := successor.Ready(ctx)
	if err != nil || report.Restored < report.Total {
		successor.Abort("not everything was restored")
		return
	}
	if err := successor.Commit(ctx, json.RawMessage(`{"minimised":true}`)); err != nil {
		successor.Kill()
		return
	}
	outcome, err := successor.Guard(context.Background())
	fmt.Println(outcome, err) // "confirmed", or "lost": take back
}
