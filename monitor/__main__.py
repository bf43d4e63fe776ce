"""The command. Worker processes import this module again, so nothing heavy stands here."""


def main() -> None:
    """Run the command line."""
    from monitor.cli import main as run

    run()


if __name__ == "__main__":
    main()
