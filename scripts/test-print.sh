#!/bin/sh
# Prints through a real CUPS, of its own, whose printer writes into a file: the station hands a strip to lp, and the print
# system converts it for a printer that takes PDF. Skips, and says so, where CUPS cannot be installed or started.
set -eu
cd "$(dirname "$0")/.."
. scripts/packages.sh

has_cupsd() {
    [ -x /usr/sbin/cupsd ]
}

missing=''
reasons=''
need cups-daemon "the print system" has_cupsd
need cups-client "lp and lpadmin" have lpadmin
need cups-filters "converts pictures for printers" test -x /usr/lib/cups/filter/imagetopdf
(install_missing "Testing prints") || {
    echo "Skipped: prints through CUPS, since it is not installed"
    exit 0
}

work=$(mktemp -d)
cupsd=''
finish() {
    [ -z "$cupsd" ] || { kill "$cupsd" && wait "$cupsd"; } 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT INT TERM
mkdir "$work/root" "$work/spool" "$work/cache" "$work/state" "$work/tmp" "$work/log"
# Its filters run as another user.
chmod -R 777 "$work"
socket=$work/cups.sock
cat >"$work/cupsd.conf" <<END
Listen $socket
LogLevel warn
Browsing No
WebInterface No
PreserveJobFiles No
<Location />
  Order allow,deny
  Allow all
</Location>
<Policy default>
  JobPrivateAccess default
  JobPrivateValues default
  <Limit All>
    Order deny,allow
  </Limit>
</Policy>
END
cat >"$work/cups-files.conf" <<END
FileDevice Yes
SystemGroup root
ServerRoot $work/root
RequestRoot $work/spool
CacheDir $work/cache
StateDir $work/state
TempDir $work/tmp
AccessLog $work/log/access
ErrorLog $work/log/error
PageLog $work/log/page
END
/usr/sbin/cupsd -f -c "$work/cupsd.conf" -s "$work/cups-files.conf" &
cupsd=$!
export CUPS_SERVER="$socket"
tries=0
until lpstat -r 2>/dev/null | grep -q 'is running'; do
    tries=$((tries + 1))
    if [ "$tries" -gt 50 ] || ! kill -0 "$cupsd" 2>/dev/null; then
        echo "Skipped: prints through CUPS, since cupsd does not start here: $(tail -n 1 "$work/log/error" 2>/dev/null)"
        exit 0
    fi
    sleep 0.2
done

output=$work/paper
: >"$output"
chmod 666 "$output"
# A printer that takes PDF, as most of today's do, with paper of 10 by 15 cm.
cat >"$work/printer.ppd" <<'END'
*PPD-Adobe: "4.3"
*FormatVersion: "4.3"
*FileVersion: "1.0"
*LanguageVersion: English
*LanguageEncoding: ISOLatin1
*PCFileName: "TEST.PPD"
*Manufacturer: "carrier"
*Product: "(test)"
*PSVersion: "(3010.000) 0"
*ModelName: "test"
*ShortNickName: "test"
*NickName: "test"
*LanguageLevel: "3"
*ColorDevice: True
*DefaultColorSpace: RGB
*cupsFilter: "application/vnd.cups-pdf 0 -"
*OpenUI *PageSize/Paper: PickOne
*OrderDependency: 10 AnySetup *PageSize
*DefaultPageSize: Postcard
*PageSize Postcard/Photo: "<</PageSize[288 432]>>setpagedevice"
*CloseUI: *PageSize
*OpenUI *PageRegion/Paper: PickOne
*OrderDependency: 10 AnySetup *PageRegion
*DefaultPageRegion: Postcard
*PageRegion Postcard/Photo: "<</PageSize[288 432]>>setpagedevice"
*CloseUI: *PageRegion
*DefaultImageableArea: Postcard
*ImageableArea Postcard/Photo: "0 0 288 432"
*DefaultPaperDimension: Postcard
*PaperDimension Postcard/Photo: "288 432"
END
lpadmin -p carrier-test -E -v "file:$output" -P "$work/printer.ppd"
PRINT_QUEUE=carrier-test PRINT_OUTPUT=$output \
    cargo test -p carrier --test it -- --ignored --nocapture a_real_print_system_gets_a_strip || {
    cat "$work/log/error" >&2
    exit 1
}
head -c 5 "$output" | grep -q '^%PDF-' || {
    echo "the printer got no PDF: $(head -c 40 "$output")" >&2
    exit 1
}
echo "CUPS printed a strip: $(wc -c <"$output") bytes of PDF."
