package sync

import "testing"

func TestS3FromEnvironment(t *testing.T) {
	env := map[string]string{
		"AWS_ENDPOINT_URL": "http://general", "AWS_ENDPOINT_URL_S3": "http://special", "AWS_DEFAULT_REGION": "eu-west-1",
		"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
	}
	getenv := func(name string) string { return env[name] }
	got, err := S3FromEnvironment("s3://bucket/some//prefix/", "", "", getenv)
	want := S3Options{
		Bucket: "bucket", Prefix: "some/prefix", Endpoint: "http://special", Region: "eu-west-1",
		AccessKey: "id", SecretKey: "secret", SessionToken: "token",
	}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = S3FromEnvironment("s3://bucket", "https://flag", "flag", getenv)
	if err != nil || got.Endpoint != "https://flag" || got.Region != "flag" || got.Prefix != "" {
		t.Errorf("flags: %+v, %v", got, err)
	}
	env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.2/x"
	if got, _ = S3FromEnvironment("s3://bucket", "", "", getenv); !got.Machine {
		t.Error("a container's key is not asked for")
	}
	for _, bad := range []string{"s3://", "s3:///x", "s3://id:secret@bucket", "s3://bucket?x=y", "gs://bucket", "bucket"} {
		if _, err := S3FromEnvironment(bad, "", "", getenv); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	for _, bad := range []string{"s3.example.org", "ftp://example.org", "https://example.org/path", "https://"} {
		if _, err := NewS3(S3Options{Bucket: "bucket", Endpoint: bad}); err == nil {
			t.Errorf("endpoint %q was accepted", bad)
		}
	}
	s, err := NewS3(S3Options{Bucket: "bucket", Prefix: "a/b"})
	if err != nil || s.String() != "s3://bucket/a/b" {
		t.Errorf("got %v, %v", s, err)
	}
}
