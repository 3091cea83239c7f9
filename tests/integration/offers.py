"""What an administrator offers where users have web servers: a second image, ports 80 and 443, images of one's own."""

import io
import tarfile

from stack import VETTED, eventually

OFFER = {"images": ["debian-ssh", "debian-web"], "ports": ["80", "443", "8000-8999", "53/udp"], "images_kept": 5,
         "image_bytes": "20g"}

# A web server of a few lines; the standard image has a small perl.
SERVE = """#!/usr/bin/perl
# serve PORT TEXT: answers every request with the text.
use IO::Socket::INET;
my $door = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 5, ReuseAddr => 1) or die "port $ARGV[0]: $!";
while (my $guest = $door->accept) {
    while (<$guest>) { last if /^\\r?$/ }
    print $guest "HTTP/1.0 200 OK\\r\\n\\r\\n$ARGV[1]\\n";
    close $guest;
}
"""


def offer(stack, admin, **more):
    """The policy that offers it all. `more` goes to the group of all users."""
    policy = stack.usual_policy()
    policy["publishers"]["dcm-admin"] = {"users": ["*"]}
    members = policy["groups"]["testers"]["members"]
    policy["groups"]["testers"] = {"members": members, **VETTED, **OFFER, **more}
    stack.set_policy(policy, reload=True)
    eventually(lambda: [image["name"] for image in stack.alice.json("images")["images"] if not image["owner"]]
               == OFFER["images"], 30, "the images that are offered")


def make_web_image(stack):
    """debian-web: the standard image, with the web server in it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("serve")
        member.size, member.mode = len(SERVE), 0o755
        archive.addfile(member, io.BytesIO(SERVE.encode()))
    with stack.engine() as engine:
        bare = engine.create_container("debian-ssh")["Id"]
        engine.put_archive(bare, "/usr/local/bin", packed.getvalue())
        engine.commit(bare, "debian-web", "latest")
        engine.remove_container(bare)


def drop_web_image(stack):
    with stack.engine() as engine:
        engine.remove_image("debian-web")
