# What users read is spelled as the dictionary or inst/WORDLIST has it, where spelling is installed.
if (!requireNamespace("spelling", quietly = TRUE)) quit()
unknown <- spelling::spell_check_package(".")
if (nrow(unknown)) {
  print(unknown)
  cat("Mend it, or add the word to inst/WORDLIST: spelling::update_wordlist().\n")
  quit(status = 1)
}
